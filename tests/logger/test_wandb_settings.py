"""W&B's settings in a received folder neither choose the server that gets the API key nor anything else."""

import os
from dataclasses import replace

import pytest
import wandb
from composing import composed
from own_folder import write

from snnx.logger import account
from snnx.logger.wandb import Wandb
from snnx.logger.wandb_settings import check_wandb_settings

EVIL = "http://127.0.0.1:9"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "of_the_user"))
    for name in ("WANDB_BASE_URL", "WANDB_ENTITY", "WANDB_PROJECT", "WANDB_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("base_url", EVIL), ("https_proxy", EVIL), ("api_key", "a" * 40), ("entity", "evil"), ("program", "evil.py"),
        ("app_url_override", EVIL), ("save_code", "true"), ("x_extra_http_headers", "{}"), ("x_executable", "evil"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["wandb", ".wandb"])
def test_a_folder_that_sets_more_than_snnx_itself_gets_no_log(folder, place, key, value):
    write(folder, f"{place}/settings", f"[default]\nmode = online\n{key} = {value}\n")
    with pytest.raises(ValueError, match=rf"{place}/settings must set only mode and project, .* got {key}: move the file to"):
        Wandb(job=composed("neuron=lif"), project="ours")


def test_wandb_itself_obeys_such_a_file(folder):
    """Otherwise the check above would guard nothing."""
    write(folder, "wandb/settings", f"[default]\nbase_url = {EVIL}\nentity = evil\n")
    found = wandb.Settings(silent=True)
    found.update_from_system_settings()
    assert (found.base_url, found.entity) == (EVIL, "evil")


@pytest.mark.parametrize("text", ["base_url\n", "[default]\nbase_url = %(x)s\n", "[default\n", "[default]\na: \udcff\n"])
def test_a_damaged_file_is_refused(folder, text):
    path = write(folder, "wandb/settings", "")
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=r"wandb/settings must set only mode and project, .* got a file that cannot be read: "):
        check_wandb_settings(folder)


def test_a_pipe_is_refused(folder):
    (folder / "wandb").mkdir()
    os.mkfifo(folder / "wandb/settings")
    with pytest.raises(ValueError, match="got a file that cannot be read"):
        check_wandb_settings(folder)


def test_a_default_section_counts_too(folder):
    write(folder, "wandb/settings", f"[DEFAULT]\nbase_url = {EVIL}\n[default]\nmode = offline\n")
    with pytest.raises(ValueError, match="got base_url"):
        check_wandb_settings(folder)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_what_the_file_may_set_does_not_count(folder):
    write(folder, "wandb/settings", "[default]\nmode = disabled\nproject = evil\n[other]\nbase_url = http://evil\n")
    logger = Wandb(job=replace(composed("neuron=lif"), outputs=str(folder / "outputs")), project="ours")
    used = logger._run.settings
    assert (used.base_url, used.project, used.entity, used.mode) == (account.PUBLIC, "ours", None, "offline")
    logger.close(0, {})


def test_the_user_s_own_server_is_used(folder, monkeypatch):
    assert account.server() == account.PUBLIC
    write(folder, "of_the_user/settings", "[default]\nbase_url = https://wandb.example.org\n")
    assert account.server() == "https://wandb.example.org"
    monkeypatch.setenv("WANDB_BASE_URL", "https://other.example.org")
    assert account.server() == "https://other.example.org"


@pytest.mark.parametrize("text", ["base_url\n", "[default]\nbase_url = %(x)s\n"])
def test_damaged_settings_of_the_user_do_not_count(folder, text):
    write(folder, "of_the_user/settings", text)
    assert account.server() == account.PUBLIC

"""The commits that a result states: that of snnx, and that of the project that the run belongs to."""

import subprocess

import pytest
from composing import composed
from own_folder import own_folder

from snnx.record.provenance import commit


def git(folder, *words: str) -> str:
    author = ["-c", "user.name=A Tester", "-c", "user.email=tester@example.org"]
    return subprocess.run(["git", *author, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(autouse=True)
def _read_again():
    commit.cache_clear()
    yield
    commit.cache_clear()


def test_a_run_states_the_commit_of_its_project(empty, monkeypatch):
    assert "project" not in (composed("neuron=lif").git or {}), "an empty folder is no project"
    own_folder(empty)
    monkeypatch.syspath_prepend(empty)
    assert "project" not in (composed("neuron=mine").git or {}), "no checkout"

    git(empty, "init", "-q")
    git(empty, "add", ".")
    git(empty, "commit", "-q", "-m", "A neuron")
    commit.cache_clear()
    head = git(empty, "rev-parse", "HEAD")
    assert composed("neuron=mine").git["project"] == {"commit": head, "dirty": False}

    (empty / "notes.txt").write_text("not code")
    commit.cache_clear()
    assert not composed("neuron=mine").git["project"]["dirty"]
    (empty / "ownlab" / "mine.py").write_text("# edited\n")
    commit.cache_clear()
    assert composed("neuron=mine").git["project"]["dirty"]


def test_no_commit_without_a_checkout(tmp_path):
    assert commit(tmp_path, (".",)) is None
    git(tmp_path, "init", "-q")
    assert commit(tmp_path, ()) is None, "a checkout without a commit"


def test_the_settings_of_a_received_checkout_start_no_monitor(tmp_path):
    monitor = ["config", "core.fsmonitor", f"touch {tmp_path}/ran"]
    (tmp_path / "file").touch()
    for words in (["init", "-q"], ["add", "file"], ["commit", "-qm", "x"], monitor):
        subprocess.run(["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True)
    assert commit(tmp_path, ("file",))["dirty"] is False
    assert not (tmp_path / "ran").exists()

"""Fault 19: no secret gets into a configuration, a log, a job's file, W&B's files, a report or a dashboard."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import warm
from composing import composed

from snnx.compose.check import check

ROOT = Path(__file__).parents[2]
SENTINEL = "5e17b0a1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7"  # as long as a W&B API key


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("logger.wandb.project=${oc.env:SNNX_API_KEY}", "logger.wandb.project"),
        (f"logger.wandb.project=mine-{SENTINEL}", "logger.wandb.project"),
        ("dataset.root=/data/${oc.env:SNNX_TOKEN}/digits", "dataset.root"),
    ],
)
def test_a_secret_in_the_configuration_is_rejected_without_being_printed(override, key, monkeypatch):
    for name in ("SNNX_API_KEY", "SNNX_TOKEN"):
        monkeypatch.setenv(name, SENTINEL)
    job = composed("logger=wandb", "dataset=mnist", override)
    with pytest.raises(
        ValueError, match=f"{key} must not contain a secret, because it is written to files; got the value of"
    ) as error:
        check(job)
    assert SENTINEL not in str(error.value)


def test_values_that_are_not_secret_are_accepted(monkeypatch):
    monkeypatch.setenv("SNNX_TOKEN", "mnist")  # too short to count as a secret
    monkeypatch.setenv("SNNX_PROJECT", "my-project-of-this-year")
    check(composed("logger=wandb", "logger.wandb.project=${oc.env:SNNX_PROJECT}"))


@pytest.mark.slow
def test_a_sweep_writes_no_secret_to_any_file(tmp_path):
    """The environment and netrc contain secrets; after each command has run, all files that were written are searched.

    The commands are a sweep, a sweep whose runs diverge, the report, the dashboard, and an upload that fails.
    """
    home = tmp_path / "home"
    home.mkdir()
    (home / "netrc").write_text(f"machine 127.0.0.1 login user password {SENTINEL}netrc\n")
    (home / "netrc").chmod(0o600)
    environment = {
        "HOME": str(home), "NETRC": str(home / "netrc"),
        "WANDB_API_KEY": f"{SENTINEL}key", "ARBITRARY": f"{SENTINEL}any", "WANDB_BASE_URL": "http://127.0.0.1:9",
    }  # fmt: skip
    launcher = ["hydra/launcher=snnx_joblib"] if find_spec("hydra_plugins.hydra_joblib_launcher") else []  # writes job files
    quick = ["scale=smoke", "trainer.max_epochs=1", "timesteps=2", "trainer.accelerator=cpu", "logger=[wandb,tensorboard]"]

    def snnx(*words: str) -> int:
        done = warm.python(["-m", "snnx", *words], tmp_path, ROOT, **environment)
        with (tmp_path / "output.log").open("a", encoding="utf-8") as log:
            log.write(done.stdout + done.stderr)
        return done.returncode

    sweep = ["-m", "sweep=demo_neurons", "row=PLIF,LIF", "seed=0"]
    assert snnx(*sweep, *quick, *launcher) == 0
    assert snnx(*sweep, *quick, "optimizer=sgd", "optimizer.lr=1e30", "budget.samples=0.5") == 1
    assert [snnx(word, "demo_neurons") for word in ("report", "dashboard", "sync")] == [0, 0, 1]

    typed = f"logger.wandb.project={SENTINEL}key"
    assert snnx(*sweep, *quick, typed) == snnx("wandb-sweep", "demo_neurons", typed) == 2, (
        "must be rejected before it is written"
    )

    files = [path for path in tmp_path.rglob("*") if path.is_file() and path != home / "netrc"]
    names = {path.name for path in files}
    assert {"config.yaml", "result.json", "metrics.csv", "dashboard.html", "report.html", "output.log"} <= names
    assert any(name.endswith(".wandb") for name in names)
    assert any(name.endswith(".ckpt") for name in names)
    if launcher:
        assert list(tmp_path.glob("outputs/.sweep/jobs/*.json"))
    for path in files:
        data = path.read_bytes()
        assert SENTINEL.encode() not in data, path
        assert SENTINEL not in path.name

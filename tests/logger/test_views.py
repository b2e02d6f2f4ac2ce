"""W&B (offline) and TensorBoard as views of a run: they hold what the record holds, and a failed run is closed as failed."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from composing import composed

from snnx.run import execute

QUICK = ("timesteps=2", "trainer.max_epochs=2", "budget.samples=0.1", "trainer.accelerator=cpu")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # third parties' own deprecations


def records(folder: Path) -> list[dict]:
    """What the offline W&B run of a folder holds, read by W&B's own reader."""
    (path,) = folder.glob("wandb/offline-run-*/*.wandb")
    words = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def offline(monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    return tmp_path


def test_a_run_is_seen_whole(offline):
    job = composed("sweep=demo_neurons", "row=PLIF", "logger=[wandb,tensorboard]", *QUICK)
    job = replace(job, outputs=str(offline))
    result = execute(job)
    assert result["status"] == "done", result["error"]
    found = records(job.folder)
    run = next(record["run"] for record in found if record["type"] == "run")
    assert (run["run_group"], run["job_type"], run["run_id"]) == ("demo_neurons", "PLIF", job.id)
    assert {"demo", "direct"} <= set(run["tags"])
    text = json.dumps(found)
    for value in (*result["curves"]["val/acc"], result["metrics"]["test/firing_rate"]):
        assert repr(value)[:8] in text
    assert '"neuron": "PLIF"' in text
    assert "a" * 40 not in "".join(path.read_text(errors="replace") for path in job.folder.rglob("*") if path.is_file())
    assert next(record for record in found if record["type"] == "exit").get("exit", {}).get("exit_code", 0) == 0
    assert list((job.folder / "tensorboard").glob("events.*"))


def test_a_failed_run_is_closed_as_failed_and_the_next_is_its_own(offline):
    bad = replace(composed("optimizer.lr=1e30", "logger=wandb", *QUICK), outputs=str(offline))
    good = replace(composed("seed=5", "logger=wandb", *QUICK), outputs=str(offline))
    assert [execute(bad)["status"], execute(good)["status"]] == ["diverged", "done"]
    codes = [next(r for r in records(job.folder) if r["type"] == "exit")["exit"].get("exit_code", 0) for job in (bad, good)]
    assert codes == [1, 0]

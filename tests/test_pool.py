"""A sweep: every run in its own process, one failure is one row, the same line again finishes what is missing."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from composing import composed

from snnx import ledger, pool

ROOT = Path(__file__).parent.parent
QUICK = ["timesteps=2", "trainer.max_epochs=1", "budget.samples=0.1", "trainer.accelerator=cpu"]


def snnx(folder: Path, *words: str, timeout: int = 240) -> subprocess.CompletedProcess:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "snnx.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=env, timeout=timeout, check=False)


@pytest.mark.slow
def test_a_sweep_with_one_bad_row_then_the_same_line_again(tmp_path):
    line = ["-m", "neuron=if,lif", "optimizer.lr=0.01,1e30", *QUICK, "hydra.launcher.n_jobs=2"]
    first = snnx(tmp_path, *line)
    assert first.returncode == 1, first.stderr
    results = [json.loads(path.read_text()) for path in (tmp_path / "outputs" / "runs").glob("*/result.json")]
    assert sorted(result["status"] for result in results) == ["diverged", "diverged", "done", "done"]
    assert "training loss must stay finite" in first.stdout
    stamps = {r["hash"]: r["started"] for r in results if r["status"] == "done"}
    time.sleep(1.1)
    second = snnx(tmp_path, *line)
    assert second.returncode == 1
    again = [json.loads(path.read_text()) for path in (tmp_path / "outputs" / "runs").glob("*/result.json")]
    assert {r["hash"]: r["started"] for r in again if r["status"] == "done"} == stamps
    logs = [path.read_text() for path in (tmp_path / "outputs" / "runs").glob("*/run.log")]
    assert sum("Diverged" in text for text in logs) == 2, "a failed run's log must not be empty"


@pytest.mark.slow
def test_the_demo_at_smoke_scale_ends_in_a_report(tmp_path):
    done = snnx(tmp_path, "-m", "sweep=demo_neurons", "seed=0", "scale=smoke")
    assert done.returncode == 0, done.stderr
    report = tmp_path / "outputs" / "demo_neurons" / "report"
    for name in ("report.html", "report.md", "table.csv", "curves.png"):
        assert (report / name).stat().st_size > 0
    assert "PLIF" in done.stdout
    assert "undecided" in done.stdout
    links = sorted(path.name for path in (tmp_path / "outputs" / "demo_neurons").iterdir() if path.is_symlink())
    assert links == [f"{row},seed=0,scale=smoke" for row in ("IF", "KLIF", "LIF", "PLIF")]


@pytest.fixture
def jobs(tmp_path):
    made = [composed(f"seed={seed}", *QUICK) for seed in range(3)]
    return [replace(job, outputs=str(tmp_path)) for job in made]


@pytest.mark.slow
def test_a_killed_process_is_one_dead_run(jobs):
    victim = jobs[1]

    def kill_victim() -> None:
        for child in children():
            if child.name == victim.title:
                child.kill()

    from multiprocessing import active_children as children

    ended = []
    outcomes = pool.run(jobs, on_tick=kill_victim, on_end=lambda job, outcome: ended.append(job.title))
    assert [outcome["status"] for outcome in outcomes] == ["done", "dead", "done"]
    assert "killed by signal 9" in outcomes[1]["error"]["message"]
    assert sorted(ended) == sorted(job.title for job in jobs)
    assert [outcome["status"] for outcome in pool.run(jobs)] == ["done", "done", "done"]


@pytest.mark.slow
def test_a_run_that_takes_too_long_is_killed(jobs):
    outcomes = pool.run(jobs[:1], timeout_s=0.01, retries=1)
    assert outcomes[0]["status"] == "dead"


@pytest.mark.slow
def test_a_run_held_elsewhere_is_waited_for(jobs):
    import threading

    held = threading.Event()
    release = threading.Event()

    def hold() -> None:
        with ledger.claim(jobs[0].folder):
            held.set()
            release.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    threading.Timer(4.0, release.set).start()
    assert pool.run(jobs[:1])[0]["status"] == "done"
    thread.join()

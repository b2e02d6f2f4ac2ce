"""Faults that a sweep survives; the numbers in the names are those of the table in docs/reliability.md."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import pytest
from left_runs import result as result_of

from snnx.record import checkpoint
from snnx.run.callback.keep import Keep

pytestmark = pytest.mark.slow
MOMENTS = 20  # at which a sweep's driver is killed
QUICK = ["timesteps=2", "trainer.max_epochs=3", "budget.samples=0.1", "trainer.accelerator=cpu"]
MEASURED = ("metrics", "curves", "layers", "samples", "data", "parameters")


def wait_for(condition, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def measured(results: dict) -> dict:
    return {row: {part: result[part] for part in MEASURED} for row, result in results.items()}


def test_1_to_5_a_run_that_crashes_or_hangs_fails_alone_and_its_cause_is_recorded(shell):
    causes = {
        "raise": "a mistake in a neuron",
        "unpicklable": "Unpicklableneither this error",  # fault 24
        "exit0": "SystemExit0",
        "exit3": "SystemExit3",
        "leave": "ended with exit code 0",
        "kill": "was killed by signal 9",
        "segfault": "was killed by signal 11",
        "memory": "MemoryError",
        "hang": r"took longer than hydra.launcher.timeout_s=20 and was killed",
    }

    def run():
        faults = f"neuron.fault={','.join(causes)},none"
        return shell.run("-m", "neuron=faulty", faults, *QUICK, "hydra.launcher.n_jobs=2", "hydra.launcher.timeout_s=20")

    first = run()
    assert first.returncode == 1, first.stderr
    for fault, cause in causes.items():
        (result,) = [r for row, r in shell.results().items() if f"fault={fault}," in row]
        assert result["status"] == "failed", fault
        error = result["error"]["type"] + result["error"]["message"]
        assert re.search(cause, error), (fault, error)
        assert re.search(rf"✗ .*fault={fault},.*failed: ", first.stdout), first.stdout
    (done,) = [r for row, r in shell.results().items() if "fault=none," in row]
    assert done["status"] == "done"
    del causes["hang"]  # which would take another 20 s
    again = run()
    assert again.returncode == 1
    assert again.stdout.count("failed before, trying again") == len(causes)
    assert shell.results()[f"{done['row']},seed=0"]["started"] == done["started"], "a done run must not be executed again"


def test_3_a_killed_run_is_retried_from_its_checkpoint(shell, elsewhere):
    """The run is killed once, in the third of four epochs; the sweep retries it, and it gives the same numbers."""
    line = ["-m", "neuron=faulty", "seed=0,1", "trainer.max_epochs=4", *QUICK[:1], *QUICK[2:]]
    whole = elsewhere()
    assert whole.run(*line).returncode == 0
    faulty = [*line, "neuron.fault=kill", "neuron.at=9", f"neuron.spent={shell.folder}/spent", "hydra.launcher.retries=1"]
    assert shell.run(*faulty).returncode == 0
    results = [result for row, result in shell.results().items() if "fault=kill" in row]
    assert sorted(bool(result["resumed"]) for result in results) == [False, True]
    for result in results:
        assert all(result[part] == whole.results()[f"{whole_row(whole, result['seed'])}"][part] for part in MEASURED)


def whole_row(shell, seed: int) -> str:
    return next(row for row in shell.results() if row.endswith(f"seed={seed}"))


@pytest.mark.faults  # `make test` has test 12, in which the driver is killed once
def test_6_the_driver_killed_at_any_moment(shell, elsewhere):
    """The same command is started and killed repeatedly, every other time with all its runs, and at last left to finish."""
    line = ["-m", "neuron=if,lif", *QUICK[:1], *QUICK[2:], "trainer.max_epochs=40", "hydra.launcher.n_jobs=2"]
    whole = elsewhere()
    assert whole.run(*line).returncode == 0
    drawn, landed = random.Random(0), 0
    for number in range(MOMENTS):
        driver = shell.start(*line)
        if not number:  # the first kill comes after a checkpoint
            wait_for(lambda: list(shell.folder.glob("outputs/runs/*/ckpt/epoch=*.ckpt")))
        time.sleep(drawn.uniform(0.1, 8.0 if number else 0.2))
        landed += driver.poll() is None
        (os.kill if number % 2 else os.killpg)(driver.pid, signal.SIGKILL)
        driver.communicate()
    last = shell.run(*line)
    assert last.returncode == 0, last.stderr
    assert landed > MOMENTS / 2, "most kills must come before the sweep has ended"
    assert any(result["resumed"] for result in shell.results().values())
    assert measured(shell.results()) == measured(whole.results())
    assert not list(shell.folder.glob("outputs/runs/*/.*.*")), "no temporary files may be left"


@pytest.mark.parametrize("kills", [pytest.param(2, id="two"), pytest.param(6, id="six", marks=pytest.mark.faults)])
def test_8_killed_while_writing_a_checkpoint(tmp_path, kills):
    """A process that only saves checkpoints is killed several times; each time there is a good checkpoint."""
    writer = f"""
import torch
from pathlib import Path
from snnx.record.checkpoint import Checkpoints, epochs, path_of
folder = Path({str(tmp_path)!r})
state = {{"callbacks": {{"Keep": {{"best_epoch": 0}}}}, "epoch": 0, "w": torch.rand(500_000)}}
epoch = max(epochs(folder), default=0)
while True:
    epoch += 1
    state["callbacks"]["Keep"]["best_epoch"], state["epoch"] = epoch, epoch - 1  # Lightning counts from 0
    Checkpoints("me", dict()).save_checkpoint(state, path_of(folder, epoch))
    for old in epochs(folder)[2:]:
        path_of(folder, old).unlink()
"""
    drawn = random.Random(8)
    for _ in range(kills):
        process = subprocess.Popen([sys.executable, "-c", writer], env={**os.environ, "TMPDIR": "/dev/shm"})
        seen = max(checkpoint.epochs(tmp_path), default=0)
        wait_for(lambda seen=seen: max(checkpoint.epochs(tmp_path), default=0) > seen)
        time.sleep(drawn.uniform(0.0, 0.2))
        process.kill()
        process.wait()
        path, complaints = Keep(tmp_path, "me", {}).resume_from()
        assert path is not None, complaints
        assert complaints == []


def test_9_a_full_disk_is_reported_and_the_run_completes_once_there_is_space(shell, elsewhere):
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", shell.folder], check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        line = ["-m", *QUICK]
        filler = shell.folder / "filler"
        filler.write_bytes(bytes(900_000))
        full = shell.run(*line)
        assert full.returncode == 1
        assert re.search("No space left on device|is the disk full", full.stdout), full.stdout
        assert all(result["status"] != "done" for result in shell.results().values())
        filler.unlink()
        assert shell.run(*line).returncode == 0
        whole = elsewhere()
        assert whole.run(*line).returncode == 0
        assert measured(shell.results()) == measured(whole.results())
    finally:
        subprocess.run(["umount", "-l", shell.folder], check=True)


def test_11_three_sweeps_of_the_same_rows_at_once_execute_each_run_once(shell):
    """Each training creates one file per neuron layer."""
    line = ["-m", "neuron=faulty", "neuron.fault=count", "seed=0,1,2", f"neuron.spent={shell.folder}/spent", *QUICK]
    sweeps = [shell.start(*line) for _ in range(3)]
    ended = [sweep.communicate(timeout=280) for sweep in sweeps]
    assert [sweep.returncode for sweep in sweeps] == [0, 0, 0], ended
    assert [result["status"] for result in shell.results().values()] == ["done"] * 3
    assert len(list(shell.folder.glob("spent.*"))) == 3 * 2


def test_12_the_same_command_while_runs_of_a_killed_sweep_are_still_active(shell, elsewhere):
    line = ["-m", "seed=0,1", "trainer.max_epochs=25", *QUICK[:1], *QUICK[2:], "hydra.launcher.n_jobs=2"]
    driver = shell.start(*line)
    wait_for(lambda: len(list(shell.folder.glob("outputs/runs/*/progress.json"))) == 2)
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate()
    again = shell.run(*line)
    assert again.returncode == 0, again.stderr
    whole = elsewhere()
    assert whole.run(*line).returncode == 0
    assert measured(shell.results()) == measured(whole.results())


def test_13_an_edit_during_a_sweep_changes_no_run(shell, site):
    option = site / "conf" / "optimizer" / "adamw.yaml"
    before = option.read_text()
    try:
        sweep = shell.start("-m", "neuron=faulty", "seed=0,1,2", *QUICK)
        wait_for(lambda: list(shell.folder.glob("outputs/runs/*/config.yaml")))
        option.write_text(re.sub("lr: .*", "lr: 0.5", before))
        sweep.communicate(timeout=200)
    finally:
        option.write_text(before)
    assert sweep.returncode == 0
    assert len({result["group"] for result in shell.results().values()}) == 1
    frozen = [path.read_text() for path in shell.folder.glob("outputs/runs/*/config.yaml")]
    assert len(frozen) == 3
    assert not any("lr: 0.5" in text for text in frozen)


def test_13_a_run_whose_code_was_edited_during_its_sweep_is_refused_with_the_file(shell, site):
    neuron = site / "snnx" / "neuron" / "faulty.py"
    before = neuron.read_text()
    try:
        sweep = shell.start("-m", "neuron=faulty", "seed=0,1", *QUICK, "trainer.max_epochs=30")
        wait_for(lambda: list(shell.folder.glob("outputs/runs/*/metrics.csv")))
        neuron.write_text(f"{before}    def charge(self, x, v): return super().charge(x / 2, v)\n")
        printed, _ = sweep.communicate(timeout=200)
    finally:
        neuron.write_text(before)
    assert sweep.returncode == 1
    assert sorted(result["status"] for result in shell.results().values()) == ["done", "failed"]
    assert "failed: snnx/neuron/faulty.py must not change during a sweep, as all its runs must use the same code" in printed


def test_14_a_run_stops_at_the_step_with_a_non_finite_loss_and_is_not_retried(shell):
    done = shell.run("-m", "optimizer=sgd", "optimizer.lr=1e30", *QUICK, "hydra.launcher.retries=3")
    assert done.returncode == 1
    (result,) = shell.results().values()
    assert result["status"] == "diverged"
    assert re.search(r"diverged at step \d+ in epoch 1, first layer that is not finite: \S+ \(", result["error"]["message"])
    assert not list(shell.folder.glob("outputs/runs/*/ckpt/*"))


@pytest.mark.faults
def test_24_ten_thousand_runs_are_shown_and_reported(shell):
    runs = shell.folder / "outputs" / "runs"
    (shell.folder / "outputs" / "demo_neurons").mkdir(parents=True)
    rows, seeds = ("IF", "LIF", "PLIF", "KLIF"), 2_500
    for row in rows:
        for seed in range(seeds):
            facts = result_of(row, seed, 0.5, sweep="demo_neurons", scale="paper", budget={"epochs": 1.0})
            (runs / facts["hash"]).mkdir(parents=True)
            (runs / facts["hash"] / "result.json").write_text(json.dumps(facts))
            (shell.folder / "outputs" / "demo_neurons" / f"{row},seed={seed}").symlink_to(f"../runs/{facts['hash']}")
    status = shell.run("status", "demo_neurons")
    assert (status.returncode, status.stderr) == (0, "")
    assert "10000 of 10000 done" in status.stdout
    report = shell.run("report", "demo_neurons")
    assert (report.returncode, report.stderr) == (0, "")
    assert re.search("PLIF > IF .* 2500 ", report.stdout), report.stdout


def test_23_a_run_whose_folder_is_removed_fails_and_can_be_run_again(shell):
    line = ["-m", "neuron=faulty", "neuron.fault=remove", f"neuron.spent={shell.folder}/spent", "neuron.at=4", *QUICK]
    assert shell.run(*line).returncode == 1
    (result,) = shell.results().values()
    assert result["status"] == "failed"
    assert "must not be removed while its run is active; it was removed" in result["error"]["message"]
    assert shell.run(*line).returncode == 0

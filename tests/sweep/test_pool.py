"""A sweep executes every run in its own process; failures do not affect other runs, and a second start finishes the rest."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import pytest
from command_lines import ROOT, snnx
from composing import composed
from finished import result_of

from snnx.record import result_file, run_folder
from snnx.record.identity import physics
from snnx.record.write import write
from snnx.sweep import pool

QUICK = ["timesteps=2", "trainer.max_epochs=1", "budget.samples=0.1", "trainer.accelerator=cpu"]
FULL = ">/dev/full 2>&1"
LONG = ["trainer.max_epochs=40", "budget.samples=0.3"]  # of short epochs
AS_SINGLE = pytest.param(["seed=0"], marks=pytest.mark.faults)
"""A single run takes the same paths as one of a sweep, so `make test` tries the latter only."""


def snnx_with_streams(folder: Path, redirected: str, *words: str) -> subprocess.CompletedProcess:
    """Run `snnx WORDS` in `folder` with a shell's redirection, such as `1>&-`."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = ["sh", "-c", f'exec "$0" -m snnx "$@" {redirected}', sys.executable, *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_a_sweep_with_diverging_runs_and_then_the_same_command_again(tmp_path):
    line = ["-m", "neuron=if,lif", "optimizer.lr=0.01,1e30", *QUICK, "hydra.launcher.n_jobs=2"]
    first = snnx(tmp_path, *line)
    assert first.returncode == 1, first.stderr
    results = [json.loads(path.read_text()) for path in (tmp_path / "outputs" / "runs").glob("*/result.json")]
    assert sorted(result["status"] for result in results) == ["diverged", "diverged", "done", "done"]
    assert "loss must stay finite" in first.stdout
    stamps = {r["hash"]: r["started"] for r in results if r["status"] == "done"}
    time.sleep(1.1)
    second = snnx(tmp_path, *line)
    assert second.returncode == 1
    again = [json.loads(path.read_text()) for path in (tmp_path / "outputs" / "runs").glob("*/result.json")]
    assert {r["hash"]: r["started"] for r in again if r["status"] == "done"} == stamps
    logs = [path.read_text() for path in (tmp_path / "outputs" / "runs").glob("*/run.log")]
    assert sum("Diverged" in text for text in logs) == 2, "a failed run's log must not be empty"


@pytest.mark.slow
def test_a_sweep_ends_with_its_report(tmp_path):
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
def test_a_killed_process_fails_only_its_run(jobs):
    long = composed("seed=1", "timesteps=2", "trainer.max_epochs=25", "trainer.accelerator=cpu")
    jobs[1] = victim = replace(long, outputs=jobs[1].outputs)  # long enough to be killed

    def kill_victim() -> None:
        for child in active_children():
            if not killed and (victim.folder / "metrics.csv").exists():
                killed.append(child)
                child.kill()

    ended, killed = [], []
    outcomes = pool.run(jobs, on_tick=kill_victim, on_end=lambda job, outcome: ended.append(job.title))
    assert [outcome["status"] for outcome in outcomes] == ["done", "failed", "done"]
    assert "killed by signal 9" in outcomes[1]["error"]["message"]
    assert result_file.read(victim.folder)["error"] == outcomes[1]["error"], "the cause must be written to the result"
    assert sorted(ended) == sorted(job.title for job in jobs)
    assert [outcome["status"] for outcome in pool.run(jobs)] == ["done", "done", "done"]


@pytest.mark.slow
def test_a_run_that_takes_too_long_is_killed(jobs):
    outcomes = pool.run(jobs[:1], timeout_s=0.01, retries=1)
    assert outcomes[0]["status"] == "failed"
    assert "took longer than hydra.launcher.timeout_s=0.01" in outcomes[0]["error"]["message"]


@pytest.mark.slow
def test_runs_of_the_record_count_as_done(jobs, tmp_path, monkeypatch):
    """With `recorded=true`, a run that is in the record is not executed and counts as done."""
    monkeypatch.chdir(tmp_path)
    recorded, missing = (replace(job, sweep="demo_neurons", config=job.config | {"recorded": True}) for job in jobs[:2])
    line = result_of(recorded, wall_s=1.0) | {"physics": physics(recorded.config), "code": "0123456789abcdef"}
    write(tmp_path / "docs" / "results" / "demo_neurons" / "runs.jsonl", json.dumps(line) + "\n")
    outcomes = pool.run([recorded, missing])
    assert [outcome["status"] for outcome in outcomes] == ["done", "done"]
    assert outcomes[0]["before"]
    assert not (recorded.folder / "result.json").exists()
    assert (missing.folder / "result.json").exists()


@pytest.mark.slow
def test_hydras_own_launcher_executes_the_runs_after_a_diverged_one(tmp_path):
    line = ["-m", "hydra/launcher=basic", "neuron=if", "optimizer.lr=1e30,0.01", "metric=[firing_rate,spiking_percent]", *QUICK]
    done = snnx(tmp_path, *line)
    assert done.returncode == 1, done.stderr
    results = [json.loads(path.read_text()) for path in (tmp_path / "outputs" / "runs").glob("*/result.json")]
    assert sorted(result["status"] for result in results) == ["diverged", "done"]
    assert "metric=[firing_rate,spiking_percent]" in done.stdout, "brackets must be printed literally"
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_missing_data_is_a_failure_only_if_all_runs_lack_it(tmp_path):
    env = ["trainer.max_epochs=1", "budget.samples=0.1", "timesteps=2"]
    mixed = snnx(tmp_path, "-m", "dataset=mnist,digits", *env)
    assert (mixed.returncode, "no data" in mixed.stdout) == (0, True), mixed.stderr
    alone = snnx(tmp_path, "-m", "dataset=mnist", *env)
    assert alone.returncode == 1
    assert "no run has its data set on this machine" in alone.stderr


def started(folder: Path, *words: str) -> subprocess.Popen:
    """Start a command in a new process group, as a terminal does, and return it once it has begun to train."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "snnx", *words, "trainer.accelerator=cpu"]
    process = subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 120
    while not list(folder.glob("outputs/runs/*/progress.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    return process


def processes_of(group: int) -> list[str]:
    """Return the processes of a session that are still alive after ten seconds; the fork server needs a moment to end."""
    end = time.monotonic() + 10
    while (found := _living(group)) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def _living(group: int) -> list[str]:
    found = subprocess.run(["ps", "-o", "pid=,stat=", "-s", str(group)], capture_output=True, text=True, check=False).stdout
    return [line for line in found.splitlines() if "Z" not in line]


@pytest.mark.slow
@pytest.mark.parametrize("words", [["seed=0"], ["-m", "seed=0,1"]], ids=["single", "sweep"])
def test_ctrl_c_finishes_the_epoch_and_a_second_start_resumes(tmp_path, words):
    process = started(tmp_path, *words, *LONG)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "stopping" in err
    assert "run the same command again to finish what is missing" in err
    assert "Traceback" not in err
    assert not processes_of(process.pid)
    assert not list(tmp_path.glob("outputs/runs/*/result.json"))
    assert not list(tmp_path.glob("outputs/runs/*/progress.json"))
    assert len(list(tmp_path.glob("outputs/runs/*/ckpt/last.ckpt"))) == 1
    again = snnx(tmp_path, *words, *LONG, "trainer.accelerator=cpu")
    assert again.returncode == 0, again.stderr
    assert len(re.findall("resumed at epoch [0-9]+", again.stdout)) == 1, again.stdout
    ended = [json.loads(path.read_text()) for path in tmp_path.glob("outputs/runs/*/result.json")]
    assert sorted(bool(result["resumed"]) for result in ended) == [False] * (len(ended) - 1) + [True]


@pytest.mark.slow
@pytest.mark.parametrize("words", [AS_SINGLE, ["-m", "seed=0,1"]], ids=["single", "sweep"])
def test_ctrl_c_twice_stops_immediately(tmp_path, words):
    long_epoch = ["backbone=vit", "backbone.patch=1", "timesteps=32", "dataset.batch_size=32"]
    process = started(tmp_path, *words, *long_epoch)
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None, "the epoch must not have ended yet"
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert not processes_of(process.pid)


@pytest.mark.slow
def test_ctrl_c_during_the_start_ends_without_a_traceback(tmp_path):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "snnx", "-m", "seed=0,1"]
    for delay in (0.6, 1.5, 3.0):
        process = subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True)
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert "Traceback" not in err
        assert not processes_of(process.pid)


@pytest.mark.slow
def test_waits_for_a_run_that_another_process_executes(jobs):
    import threading

    held = threading.Event()
    release = threading.Event()

    def hold() -> None:
        with run_folder.hold(jobs[0].folder):
            held.set()
            release.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    threading.Timer(4.0, release.set).start()
    assert pool.run(jobs[:1])[0]["status"] == "done"
    thread.join()


@pytest.mark.slow
def test_a_process_that_keeps_a_lock_is_named_and_waited_for_within_the_limit(jobs):
    waits = []
    with run_folder.hold(jobs[0].folder):
        outcomes = pool.run(jobs[:1], timeout_s=3, on_wait=lambda job, holder: waits.append((job.title, holder)))
    assert [outcome["status"] for outcome in outcomes] == ["failed"]
    holder = f"process {os.getpid()} on {socket.gethostname()}"
    assert waits == [(jobs[0].title, holder)], "one line is enough"
    assert outcomes[0]["error"]["message"] == (
        f"{holder} has held {jobs[0].folder}/.lock for longer than hydra.launcher.timeout_s=3: end that process if it hangs, "
        "then start the command again"
    )
    assert not (jobs[0].folder / "result.json").exists(), "the run still belongs to the other process"


@pytest.mark.slow
def test_a_run_that_fails_in_another_sweep_meanwhile_is_not_executed_again(jobs):
    """If two sweeps contain the same run, only one of them executes it, even if it fails."""
    import threading

    held = threading.Event()

    def fail_elsewhere() -> None:
        with run_folder.hold(jobs[0].folder):
            held.set()
            time.sleep(3)
            error = {"type": "X", "message": "elsewhere", "traceback": ""}
            write(jobs[0].folder / "result.json", json.dumps(result_of(jobs[0], status="failed", error=error)))

    thread = threading.Thread(target=fail_elsewhere)
    thread.start()
    held.wait()
    assert pool.run(jobs[:1])[0]["error"]["message"] == "elsewhere"
    thread.join()
    assert not (jobs[0].folder / "metrics.csv").exists()


@pytest.mark.faults
def test_output_that_nobody_reads_does_not_end_a_single_run(tmp_path):
    """It warns of layers that never fire, and says where it continues; both are printed by the run itself."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "snnx", "seed=0", "neuron.v_threshold=1000", *QUICK]
    done = subprocess.run(command, cwd=tmp_path, env=env, stdout=write_end, stderr=subprocess.PIPE, text=True, timeout=120)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (0, "")
    (result,) = tmp_path.glob("outputs/runs/*/result.json")
    assert json.loads(result.read_text())["status"] == "done"


@pytest.mark.slow
def test_output_that_nobody_reads_ends_the_display_and_not_the_sweep(tmp_path):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "snnx", "-m", "seed=0,1,2", *QUICK]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, env=env, **pipes) as process:
        assert "1/3" in process.stdout.readline()
        process.stdout.close()  # as `| head -1` does
        assert process.stderr.read() == ""
        assert process.wait(timeout=120) == 0
    assert len(list(tmp_path.glob("outputs/runs/*/result.json"))) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "redirected"),
    [
        pytest.param(["seed=0"], "1>&- 2>&-", marks=pytest.mark.faults),
        (["-m", "seed=0,1"], "0<&- 1>&- 2>&-"),
        (["seed=0"], FULL),
        pytest.param(["-m", "seed=0,1"], FULL, marks=pytest.mark.faults),
    ],
    ids=["single, closed", "sweep, closed", "single, full disk", "sweep, full disk"],
)
def test_output_that_cannot_be_written_ends_neither_a_run_nor_a_sweep(tmp_path, words, redirected):
    """A stream is closed, as some schedulers start programs, or goes to a log on a full disk."""
    done = snnx_with_streams(tmp_path, redirected, *words, "neuron.v_threshold=1000", *QUICK)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    results = [json.loads(path.read_text())["status"] for path in tmp_path.glob("outputs/runs/*/result.json")]
    assert results == ["done"] * (2 if "-m" in words else 1)
    logs = [path.read_text() for path in tmp_path.glob("outputs/runs/*/run.log")]
    assert not [text for text in logs if "Error" in text]


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["status"], 1), (["neuron=lff"], 2)])
@pytest.mark.parametrize("redirected", ["0<&- 1>&- 2>&-", FULL])
def test_a_command_whose_output_cannot_be_written_keeps_its_exit_code(empty, words, code, redirected):
    assert snnx_with_streams(empty, redirected, *words).returncode == code


@pytest.mark.parametrize(("redirected", "seen"), [("1>&-", ""), ("2>&-", "snnx: ")])
def test_a_closed_stream_does_not_show_in_the_other(empty, redirected, seen):
    done = snnx_with_streams(empty, redirected, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout[: len("snnx: ")] == seen


@pytest.mark.slow
@pytest.mark.parametrize("words", [AS_SINGLE, ["-m", "seed=0,1"]], ids=["single", "sweep"])
def test_a_closed_terminal_is_a_request_to_stop(tmp_path, words):
    handler = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup, and the command inherits this
    try:
        process = started(tmp_path, *words, *LONG)
    finally:
        signal.signal(signal.SIGHUP, handler)
    for _ in range(2):  # the kernel and the shell both send it
        os.killpg(process.pid, signal.SIGHUP)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert not processes_of(process.pid)
    assert len(list(tmp_path.glob("outputs/runs/*/ckpt/last.ckpt"))) == 1
    assert not list(tmp_path.glob("outputs/runs/*/result.json"))


@pytest.mark.faults
def test_under_nohup_a_closed_terminal_stops_nothing(tmp_path):
    handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited by the command
    try:
        process = started(tmp_path, "-m", "seed=0,1", "trainer.max_epochs=5", "budget.samples=0.3")
        os.killpg(process.pid, signal.SIGHUP)
        _, err = process.communicate(timeout=120)
    finally:
        signal.signal(signal.SIGHUP, handler)
    assert process.returncode == 0, err
    assert len(list(tmp_path.glob("outputs/runs/*/result.json"))) == 2

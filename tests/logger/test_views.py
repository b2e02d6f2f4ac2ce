"""W&B (offline) and TensorBoard log the same epochs as metrics.csv, also after kills and failures."""

import contextlib
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from composing import composed
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from snnx.logger import wandb_file
from snnx.logger.wandb import Wandb, papers, processes
from snnx.run.execute import execute

ROOT = Path(__file__).parent.parent.parent
QUICK = ("timesteps=2", "trainer.max_epochs=3", "budget.samples=0.1", "trainer.accelerator=cpu")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # third parties' own deprecations


def kinds(folder: Path, kind: str) -> list:
    """The records of one kind in all W&B files of a run."""
    found = (record for path in wandb_file.parts(folder) for record in wandb_file.records(path))
    return [getattr(record, kind) for record in found if record.WhichOneof("record_type") == kind]


def summary(folder: Path) -> dict:
    """The last value of each key in W&B's summary."""
    updates = [item for update in kinds(folder, "summary") for item in update.update]
    return {".".join(item.nested_key) or item.key: json.loads(item.value_json) for item in updates}


def record(folder: Path) -> dict[int, dict[str, float]]:
    with (folder / "metrics.csv").open() as file:
        return {int(row["epoch"]): {key: float(value) for key, value in row.items()} for row in csv.DictReader(file)}


def same_rows(folder: Path) -> bool:
    """Fault 16: W&B's file has exactly the rows of metrics.csv, with all digits."""
    logged = {epoch: {k: v for k, v in row.items() if k[0] != "_"} for epoch, row in wandb_file.rows(folder).items()}
    return logged == record(folder)


@pytest.fixture
def offline(monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "offline")
    return tmp_path


def made(outputs: Path, *overrides: str):
    return replace(composed("logger=wandb", *overrides, *QUICK), outputs=str(outputs))


def test_both_loggers_contain_the_whole_run(offline):
    job = made(offline, "sweep=demo_neurons", "row=PLIF", "logger=[wandb,tensorboard]")
    result = execute(job)
    assert result["status"] == "done", result["error"]
    assert same_rows(job.folder)
    assert [len(kinds(job.folder, "history")), kinds(job.folder, "exit")[0].exit_code] == [3, 0]
    (run,) = kinds(job.folder, "run")[:1]
    assert (run.run_group, run.job_type, run.run_id) == ("demo_neurons", "PLIF", job.id)
    assert {"demo", "direct"} <= set(run.tags)
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert (config["neuron"], config["neuron.tau"], config["row"], config["seed"]) == ("PLIF", 2.5, "PLIF", 0)
    shown = summary(job.folder)
    assert {key: shown[key] for key in result["metrics"]} == result["metrics"]

    events = EventAccumulator(str(job.folder / "tensorboard")).Reload()
    assert [(event.step, pytest.approx(event.value)) for event in events.Scalars("val/acc")] == [
        (epoch, row["val/acc"]) for epoch, row in record(job.folder).items()
    ]


def test_wandb_gets_texts_with_their_control_characters_shown(offline):
    """A received option or sweep file may hold such texts; a terminal that lists runs of W&B would obey them."""
    evil = "clears\x1b[2J"
    job = made(offline)
    config = job.config | {
        "sweep": {"paper": evil, "artifact": "Table \x9b1"},
        "backbone": job.config["backbone"] | {"note": evil},
    }
    logger = Wandb(job=replace(job, config=config, row=evil, scale=evil), project="snnx")
    logger.show([{"epoch": 1, "val/acc": 0.5}])
    logger.close(0, {})
    (run,) = kinds(job.folder, "run")[:1]
    shown = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert {shown[key] for key in ("row", "scale", "backbone.note")} == {r"clears\x1b[2J"}
    assert {r"clears\x1b[2J", r"Table \x9b1"} <= set(run.tags)
    assert (run.job_type, run.display_name) == (r"clears\x1b[2J", r"clears\x1b[2J/s0")
    for path in job.folder.glob("wandb/**/*.wandb"):
        assert b"\x1b[2J" not in path.read_bytes()


@pytest.mark.parametrize("by", ["WANDB_MODE", "logger.wandb.mode"])
def test_if_wandb_is_disabled_nothing_is_logged_and_nobody_warns(by, tmp_path, monkeypatch, capfd):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    words = []
    if by == "WANDB_MODE":
        monkeypatch.setenv("WANDB_MODE", "disabled")
    else:
        words = ["logger.wandb.mode=disabled"]
    job = made(tmp_path, *words)
    assert execute(job)["status"] == "done"
    assert "wandb" not in capfd.readouterr().err
    assert not list(job.folder.glob("wandb/*run*"))


def test_summary_has_the_paper_s_number_and_the_difference(offline, monkeypatch):
    """91.5 % in the sweep file is logged as 0.915; the difference is our number minus the paper's."""
    path = offline / "fig.yaml"
    path.write_text(
        "sweep: {paper: demo, artifact: Table 1, metric: test/acc, unit: '%'}\n"
        "rows: {PLIF: {set: [neuron=plif], reported: 91.5}}\n"
    )
    monkeypatch.setattr("snnx.logger.wandb.find", lambda name: path)
    job = made(offline, "sweep=demo_neurons", "row=PLIF")
    assert papers(job) == {"test/acc": 0.915}
    result = execute(job)
    shown = summary(job.folder)
    assert shown["paper/test/acc"] == 0.915
    assert shown["difference/test/acc"] == pytest.approx(result["metrics"]["test/acc"] - 0.915)
    assert papers(made(offline)) == {}


def test_a_diverged_run_is_closed_as_failed_and_the_next_gets_a_separate_log(offline):
    bad, good = made(offline, "optimizer.lr=1e30"), made(offline, "seed=5")
    assert [execute(bad)["status"], execute(good)["status"]] == ["diverged", "done"]
    assert [kinds(job.folder, "exit")[0].exit_code for job in (bad, good)] == [1, 0]


def test_a_continued_run_logs_only_the_missing_epochs(offline):
    """Epochs 1 and 2 of 4 reached W&B before the kill; the continued run shows all four epochs again."""
    job = made(offline)
    rows = [{"epoch": epoch, "val/acc": epoch / 8} for epoch in range(1, 5)]
    first = Wandb(job=job, project="snnx")
    first.show(rows[:2])
    first.close(1, {})
    second = Wandb(job=job, project="snnx", statistics=False)
    assert [view._run.settings.x_disable_stats for view in (first, second)] == [False, True]
    second.show(rows[:3])
    second.show(rows)
    second.close(0, {"val/acc": 0.5})
    assert len(wandb_file.parts(job.folder)) == 2
    assert {entry.run_id for entry in kinds(job.folder, "run")} == {job.id}
    found = [{item.nested_key[0]: json.loads(item.value_json) for item in entry.item} for entry in kinds(job.folder, "history")]
    assert [(row["epoch"], row["_step"]) for row in found] == [(1, 1), (2, 2), (3, 3), (4, 4)]


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSTOP])
def test_15_a_run_completes_if_the_process_of_wandb_dies_or_hangs(sent, offline, monkeypatch, capfd):
    """W&B's process gets the signal after the first epoch; the run still ends as done and metrics.csv has all epochs."""
    monkeypatch.setattr("snnx.logger.view.View.__init__.__defaults__", (3.0,))
    signalled = []
    show = Wandb.show

    def show_and_signal(self, rows):
        show(self, rows)
        if len(rows) == 1:
            signalled.extend(processes())
            for process in signalled:
                os.kill(process, sent)

    monkeypatch.setattr(Wandb, "show", show_and_signal)
    job = made(offline)
    result = execute(job)
    assert result["status"] == "done", result["error"]
    assert len(signalled) == 1
    assert list(record(job.folder)) == [1, 2, 3]
    error = capfd.readouterr().err
    assert error.count("wandb was switched off for this run") == 1
    assert "of 3 epochs; metrics.csv has all" in error
    assert not processes()
    monkeypatch.setattr(Wandb, "show", show)
    other = made(offline, "seed=1")
    assert execute(other)["status"] == "done"
    assert same_rows(other.folder), "the next run must start a new W&B process"


def test_16_epochs_that_wandb_lost_are_reported(offline, monkeypatch, capfd):
    """W&B does not report a full disk; the test truncates its file when it is closed, as a full disk would."""
    monkeypatch.setattr("snnx.logger.wandb.FLUSH_S", 0.5)
    read = wandb_file.rows

    def cut(folder):
        for path in wandb_file.parts(folder):
            path.write_bytes(path.read_bytes()[:3000])
        return read(folder)

    monkeypatch.setattr("snnx.logger.wandb.wandb_file.rows", cut)
    job = made(offline)
    assert execute(job)["status"] == "done"
    assert list(record(job.folder)) == [1, 2, 3]
    assert "is the disk full?" in (error := capfd.readouterr().err)
    assert "of 3 epochs; metrics.csv has all" in error


def closed_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("key", ["a" * 40, ""])
def test_15_without_a_server_or_a_key_the_run_is_logged_offline(key, tmp_path, monkeypatch, capfd):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setenv("WANDB_API_KEY", key)
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{closed_port()}")
    job = made(tmp_path)
    result = execute(job)
    assert result["status"] == "done", result["error"]
    assert same_rows(job.folder)
    assert ("this run is logged offline" in capfd.readouterr().err) == bool(key)
    assert [path.parent.name[:11] for path in wandb_file.parts(job.folder)] == ["offline-run"]
    assert result["wall_s"] < 20


def begun(folder: Path) -> bool:
    """Whether a run has logged three epochs and W&B has created its file."""
    return bool(wandb_file.parts(folder)) and (folder / "metrics.csv").exists() and len(record(folder)) > 2


@pytest.mark.faults
def test_a_run_that_was_killed_and_continued_is_complete_in_wandb(tmp_path):
    """The run's process, but not W&B's, is killed during training; then the same command is run again."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("WANDB")}  # W&B's service of this process
    environment = {**own, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "WANDB_MODE": "offline"}
    long = ("timesteps=8", "budget.samples=0.5", "trainer.max_epochs=30")  # long enough for W&B to create its file
    words = [sys.executable, "-m", "snnx", "logger=wandb", "trainer.accelerator=cpu", *long]
    first = subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while first.poll() is None and not any(map(begun, tmp_path.glob("outputs/runs/*"))):
        time.sleep(0.01)
    assert first.poll() is None, "the run ended before it could be killed"
    first.kill()
    first.wait()
    assert not list(tmp_path.glob("outputs/runs/*/result.json")), "the run had already finished when it was killed"
    again = subprocess.run(words, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    (folder,) = tmp_path.glob("outputs/runs/*")
    assert len(wandb_file.parts(folder)) == 2, again.stdout + again.stderr
    assert same_rows(folder)
    steps = [
        json.loads(item.value_json) for entry in kinds(folder, "history") for item in entry.item if item.nested_key == ["_step"]
    ]
    assert steps == sorted(set(steps)) == list(range(1, 31))

"""Where every run is, told by files alone."""

import fcntl
import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from snnx.command import main
from snnx.report.board import boards
from snnx.report.data.runs import collect


@pytest.fixture
def board(leave, done, outputs, docs, sweep):
    """Row A done and failed, row B running and unfinished; seed 2 is named by the sweep and not started."""
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    failed = done("A", 1, None, status="failed", error={"type": "OSError", "message": "disk full\nat line 1"})
    leave("fig", "A,seed=1,scale=small", failed)
    busy = leave("fig", "B,seed=0,scale=small", None, hash="b0")
    (busy / "progress.json").write_text(json.dumps({"done": 0.5, "left_s": 100.0, "epoch": 3, "epochs": 6, "val/acc": 0.5}))
    leave("fig", "B,seed=1,scale=small", None, hash="b1")
    body = {"hydra": {"sweeper": {"params": {"seed": "0,1,2"}}}}
    with (busy / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (found,) = boards(replace(sweep, body=body), collect("fig", outputs, docs))
        yield found


def test_every_row_and_seed_of_the_file_has_a_place(board):
    states = {row: [None if run is None else run.state for run in runs] for row, runs in board.rows.items()}
    assert states == {"A": ["done", "failed", None], "B": ["running", "unfinished", None]}
    assert (board.scale, board.seeds) == ("small", (0, 1, 2))


def test_time_left_counts_what_runs_and_what_waits(board):
    """One runs for another 100 s; three more (two not started, one unfinished) take as long as the one that is done, 61.2 s."""
    assert board.left_s == pytest.approx(100 + 3 * 61.2)


def test_a_failure_has_its_cause(board):
    assert board.rows["A"][1].cause == "disk full"


def test_the_command_answers_without_torch_and_hydra(leave, done, outputs, tmp_path, monkeypatch, capsys):
    for seed in range(3):
        leave("demo_neurons", f"LIF,seed={seed},scale=smoke", done("LIF", seed, 0.5, scale="smoke"))
    leave("demo_neurons", "IF,seed=0,scale=smoke", done("IF", 0, None, scale="smoke", status="diverged", error={
        "type": "Diverged", "message": "train loss must stay finite"}))  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["snnx", "status", "demo_neurons"])
    assert main.main() == 0
    out = capsys.readouterr().out
    assert "✓ 0.5000" in out
    assert "IF seed=0: train loss must stay finite" in out
    loaded = "import sys, snnx.command.status; print(sorted({'torch', 'hydra', 'numpy', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_seeds_beyond_a_screen_are_counted(leave, done, tmp_path, monkeypatch, capsys):
    for seed in range(12):
        leave("demo_neurons", f"LIF,seed={seed},scale=smoke", done("LIF", seed, seed / 10, scale="smoke"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["snnx", "status", "demo_neurons"])
    assert main.main() == 0
    out = capsys.readouterr().out
    assert re.search(r"LIF +│ ✓ 12 done +│ 0.5500", out)
    assert re.search(r"PLIF +│ · 12 open +│ -", out)


def test_no_runs_and_no_such_sweep(empty, monkeypatch, capsys):
    for words, code, said in (
        (["demo_neurons"], 1, "no runs of demo_neurons yet; start: snnx -m sweep=demo_neurons"),
        (["nothing"], 2, "sweep must be one of .*; got nothing"),
    ):
        monkeypatch.setattr(sys, "argv", ["snnx", "status", *words])
        assert main.main() == code
        assert re.search(said, capsys.readouterr().err)

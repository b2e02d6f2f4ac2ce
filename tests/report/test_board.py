"""The grid of rows and seeds with the state of every run, and `snnx status`, which prints it."""

import fcntl
import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from snnx.command import main
from snnx.report.board import boards
from snnx.report.data.run import STATES
from snnx.report.data.runs import collect


@pytest.fixture
def board(leave, done, outputs, docs, sweep):
    """Row A has a done and a failed run, row B a running and an unfinished one; seed 2 has not been started in either."""
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


def test_has_every_row_and_seed_of_the_sweep_file(board):
    states = {row: [None if run is None else run.state for run in runs] for row, runs in board.rows.items()}
    assert states == {"A": ["done", "failed", None], "B": ["running", "unfinished", None]}
    assert (board.scale, board.seeds) == ("small", (0, 1, 2))


def test_time_left_includes_running_and_waiting_runs(board):
    """One run needs 100 s more; three others (two not started, one unfinished) should each take 61.2 s, as the done one did."""
    assert board.left_s == pytest.approx(100 + 3 * 61.2)


def test_cause_of_a_failure_is_the_first_line_of_its_message(board):
    assert board.rows["A"][1].cause == "disk full"


def test_status_prints_results_and_failures_without_loading_torch_or_hydra(leave, done, outputs, tmp_path, monkeypatch, capsys):
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


@pytest.mark.parametrize("state", [state for state in STATES if state not in ("done", "running", "unfinished")])
def test_status_counts_and_explains_every_run_that_is_not_done(leave, done, tmp_path, monkeypatch, capsys, state):
    leave("demo_neurons", "LIF,seed=0,scale=smoke", done("LIF", 0, 0.5, scale="smoke"))
    error = {"type": "OSError", "message": "must be there"}
    folder = leave("demo_neurons", "IF,seed=0,scale=smoke", done("IF", 0, None, scale="smoke", status=state, error=error))
    if state == "damaged":
        (folder / "result.json").write_text('{"status": "done", "ha')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["snnx", "status", "demo_neurons"])
    monkeypatch.setenv("COLUMNS", "200")
    assert main.main() == 0
    out = capsys.readouterr().out
    assert re.search(rf"│ . {state} +│", out)
    assert re.search(rf"\n +1 of \d+ done, 1 {state} +\n", out)
    cause = "result.json: must be JSON; got a file that is cut short or damaged" if state == "damaged" else "must be there"
    assert re.search(rf"\n. IF seed=0: .*{cause}", out)


def test_status_counts_seeds_if_there_are_too_many_for_the_screen(leave, done, tmp_path, monkeypatch, capsys):
    for seed in range(12):
        leave("demo_neurons", f"LIF,seed={seed},scale=smoke", done("LIF", seed, seed / 10, scale="smoke"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["snnx", "status", "demo_neurons"])
    assert main.main() == 0
    out = capsys.readouterr().out
    assert re.search(r"LIF +│ ✓ 12 done +│ 0.5500", out)
    assert re.search(r"PLIF +│ · 12 not started +│ -", out)


def test_the_settings_of_a_single_run_are_not_cut_off(leave, done, tmp_path, monkeypatch, capsys):
    row = "neuron=ttfs,encoding=repeat,decoding=temporal_weighted,init=ettfs,backbone=scnn,backbone.kernel=3,timesteps=8"
    leave("single", f"seed=0,{row}", done(row, 0, 0.7))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["snnx", "status", "single"])
    monkeypatch.setenv("COLUMNS", "80")
    assert main.main() == 0
    cells = re.findall(r"│ (\S+) +│", capsys.readouterr().out)
    assert "".join(cells) == row


def test_status_without_a_name_counts_the_runs_of_each_sweep(leave, done, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["snnx", "status"])
    assert main.main() == 1
    assert capsys.readouterr().err == "snnx status: no runs in outputs yet; snnx --help lists the sweeps\n"
    for seed, status in enumerate(("done", "done", "failed")):
        leave("demo_neurons", f"LIF,seed={seed}", done("LIF", seed, 0.5, status=status, error={"type": "E", "message": "x"}))
    leave("single", "seed=0", done("default", 0, 0.5, sweep=None))
    assert main.main() == 0
    lines = [line.split("│")[1:3] for line in capsys.readouterr().out.splitlines() if "│" in line]
    assert [[cell.strip() for cell in line] for line in lines] == [["single", "1 done"], ["demo_neurons", "2 done, 1 failed"]]


def test_status_of_a_sweep_without_runs_and_of_an_unknown_sweep(empty, monkeypatch, capsys):
    for words, code, message in (
        (["demo_neurons"], 1, "no runs of demo_neurons in outputs yet; start: snnx -m sweep=demo_neurons"),
        (["nothing"], 2, "sweep must be one of the .* that snnx --help lists; got nothing$"),
        (["demo_neuron"], 2, r"got demo_neuron; did you mean demo_neurons\?$"),
        (["--watch"], 2, "NAME must be given with --watch; got none$"),
        (["single"], 1, "no runs without a sweep file in outputs yet; start: snnx -m neuron=if,lif"),
    ):
        monkeypatch.setattr(sys, "argv", ["snnx", "status", *words])
        assert main.main() == code
        assert re.search(message, capsys.readouterr().err.rstrip())

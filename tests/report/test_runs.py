"""Runs are collected from folders, locks and the record."""

import fcntl
import json
import os
import re
from pathlib import Path

import pytest

from snnx.compose.compose import _file_name
from snnx.dashboard.page import page as dashboard
from snnx.record import result_file
from snnx.report.data.runs import collect
from snnx.report.pages import committed
from snnx.report.pages.markdown import document
from snnx.report.results import work_out


def test_state_is_read_from_result_and_lock(leave, done, outputs, docs):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    leave("fig", "A,seed=1,scale=small", done("A", 1, None, status="failed", error={"type": "OSError", "message": "x"}))
    leave("fig", "A,seed=2,scale=small", done("A", 2, None, status="diverged"))
    busy = leave("fig", "B,seed=0,scale=small", None, hash="b0") / ".lock"
    leave("fig", "B,seed=1,scale=small", None, hash="b1").joinpath(".lock").touch()
    leave("fig", "B,seed=2", None, hash="b2")
    (outputs / "fig" / "report").mkdir()
    with busy.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        states = {(run.row, run.seed, run.scale): run.state for run in collect("fig", outputs, docs)}
    assert states == {
        ("A", 0, "small"): "done", ("A", 1, "small"): "failed", ("A", 2, "small"): "diverged",
        ("B", 0, "small"): "running", ("B", 1, "small"): "unfinished", ("B", 2, "paper"): "unfinished",
    }  # fmt: skip


def test_a_run_whose_lock_was_released_is_unfinished(leave, outputs, docs):
    lock = leave("fig", "A,seed=0", None, hash="a0") / ".lock"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert [run.state for run in collect("fig", outputs, docs)] == ["running"]
    assert [run.state for run in collect("fig", outputs, docs)] == ["unfinished"]


def test_a_link_to_a_removed_folder_is_ignored(outputs, docs):
    (outputs / "fig").mkdir(parents=True)
    (outputs / "fig" / "A,seed=0").symlink_to(Path("../runs/gone"))
    assert collect("fig", outputs, docs) == []


def test_long_names_are_shown_whole(leave, done, outputs, docs):
    """Two variants whose links are cut at the same place, as `snnx report single` has them."""
    for value in (1, 2):
        rest = f"method=conversion,backbone.channels=[8,8],method.percentile=99.9,optimizer.lr=0.{'0' * 150}{value}"
        words = ["seed=0", *rest.replace(",8]", ";8]").split(",")]
        overrides = [word.replace(";", ",") for word in words]
        link = _file_name("seed=0", rest)
        assert link.rpartition("~")[0] in f"seed=0,{rest}"
        leave("single", link, done("single", 0, 0.8, overrides=overrides, hash=f"{value}" * 16))
    assert [run.row[-1] for run in collect("single", outputs, docs)] == ["1", "2"]
    assert all("percentile=99.9,optimizer.lr=0." in run.row for run in collect("single", outputs, docs))


def test_two_sweeps_can_share_a_run_under_different_names(leave, done, outputs, docs):
    shared = done("PLIF", 0, 0.8, sweep="fig10")
    leave("fig10", "PLIF,seed=0,scale=small", shared)
    leave("fig12", "ArcTan,seed=0,scale=small", shared)
    names = [(run.row, run.hash) for sweep in ("fig10", "fig12") for run in collect(sweep, outputs, docs)]
    assert names == [("PLIF", shared["hash"]), ("ArcTan", shared["hash"])]


def record(docs: Path, *results: dict) -> None:
    (docs / "fig").mkdir(parents=True)
    (docs / "fig" / "runs.jsonl").write_text("".join(json.dumps(result) + "\n" for result in results))


def test_runs_of_the_record_are_added(leave, done, outputs, docs):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    record(docs, done("A", 1, 0.7))
    assert {(run.seed, run.local) for run in collect("fig", outputs, docs)} == {(0, True), (1, False)}


@pytest.mark.parametrize(
    ("here", "recorded", "wins"),
    [("done", "done", "here"), ("failed", "done", "record"), ("done", "failed", "here"), ("failed", "failed", "here")],
)
def test_a_done_run_is_preferred_and_then_that_of_this_machine(here, recorded, wins, leave, done, outputs, docs):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, status=here))
    record(docs, done("A", 0, 0.7, status=recorded))
    (run,) = collect("fig", outputs, docs)
    assert run.local == (wins == "here")


def test_an_ended_run_of_the_record_is_preferred_to_an_unfinished_one(leave, done, outputs, docs):
    leave("fig", "A,seed=0,scale=small", None, hash=done("A", 0, 0.8)["hash"])
    record(docs, done("A", 0, 0.8))
    assert [run.state for run in collect("fig", outputs, docs)] == ["done"]


DAMAGED = {
    b'{"status": "done", "ha': "must be JSON; got a file that is cut short or damaged",
    b"<<<<<<< HEAD": "must be JSON; got a file that is cut short or damaged",
    b"\xff\xfe\x00": "must be JSON; got a file that is cut short or damaged",
    b"[" * 100_000: "must be JSON; got a file that is cut short or damaged",
    b'{"a":' * 300 + b"1" + b"}" * 300: "must have at most 200 levels; got more",
    b"[1]": "a result must be a mapping; got list",
    b"{}": "a result must have status, hash, row, seed, scale, started; got one without status, hash, row",
}


@pytest.mark.parametrize("content", DAMAGED, ids=lambda content: repr(content[:20]))
def test_a_damaged_result_concerns_its_row_only(leave, done, outputs, docs, sweep, content):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.9))
    folder = leave("fig", "B,seed=0,scale=small", done("B", 0, 0.8))
    (folder / "result.json").write_bytes(content)
    fine, damaged = sorted(collect("fig", outputs, docs), key=lambda run: run.row)
    assert (fine.state, damaged.state, damaged.row, damaged.seed) == ("done", "damaged", "B", 0)
    assert DAMAGED[content] in damaged.reason
    found = work_out(sweep, [fine, damaged])
    assert f"B, seed 0, small damaged: {outputs}/fig/B,seed=0,scale=small/result.json: " in "".join(found.notes)
    assert any("1 damaged" in cell for row in found.tables[0].rows for cell in row)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hash": "0123456789abcdef"}, "the result must be that of run .*; got that of run 0123456789abcdef"),
        *(
            ({"hash": name}, "hash must be 16 digits from 0 to f, as snnx names a run; got")
            for name in ("../..", "/home", "", "0123456789ABCDEF", "0123456789abcdef0", "0123456789abcdef\n")
        ),
        ({"status": "fine"}, "status must be one of done, failed, diverged, no data, pruned; got fine"),
        ({"metrics": [0.9]}, "metrics must be of type dict"),
        ({"metrics": {"test/acc": "0.9"}}, "metrics must be of type dict"),
        ({"metrics": {"test/acc": True}}, "metrics must be of type dict"),
        ({"curves": {"val/acc": 0.9}}, "curves must be of type dict"),
        ({"seed": "0"}, "seed must be of type int"),
        ({"error": "disk full"}, "error must be of type dict"),
    ],
)
def test_a_result_of_another_form_is_damaged(leave, done, outputs, docs, changes, reason):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.9) | changes, hash=done("A", 0, 0.9)["hash"])
    (run,) = collect("fig", outputs, docs)
    assert run.state == "damaged"
    assert re.search(reason, run.reason)
    assert result_file.read(outputs / "runs" / run.hash) is None, "it is computed again"


def test_a_damaged_line_of_the_record_is_named_and_not_lost(outputs, docs, done, sweep):
    record(docs, done("A", 0, 0.8))
    path = docs / "fig" / "runs.jsonl"
    path.write_text("<<<<<<< HEAD\n" + path.read_text())
    runs = collect("fig", outputs, docs)
    assert sorted(run.state for run in runs) == ["damaged", "done"]
    assert any(f"damaged: {path}:1: must be JSON" in note for note in work_out(sweep, runs).notes)
    with pytest.raises(ValueError, match=r"runs\.jsonl:1: must be JSON; .*: restore or delete the line; it would be lost if"):
        committed.record(sweep, runs, docs)
    assert path.read_text().startswith("<<<<<<< HEAD\n")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"done": "x", "epoch": 1, "epochs": 2, "left_s": 1}', '"done"'])
def test_damaged_progress_is_none(leave, done, outputs, docs, content):
    folder = leave("fig", "B,seed=0,scale=small", None, hash="b0")
    (folder / "progress.json").write_text(content)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (run,) = collect("fig", outputs, docs)
    assert (run.state, run.progress) == ("running", {})


def test_control_characters_of_a_result_are_made_visible(leave, done, outputs, docs):
    error = {"type": "OSError", "message": "\x1b[2Jgone\u202e", "traceback": ""}
    leave("fig", "A,seed=0,x=\x1b[1m", done("A", 0, None, status="failed", error=error, device="cpu\x9b"))
    (run,) = collect("fig", outputs, docs)
    assert run.cause == r"\x1b[2Jgone\u202e"
    assert run.further == r"x=\x1b[1m"
    assert run.result["device"] == r"cpu\x9b"


def test_a_run_of_this_machine_keeps_the_confirmation_of_its_record(outputs, docs, leave, done):
    """If the run was started again since, what is in the record is another one."""
    run = done("A", 0, 0.8)
    leave("fig", "A,seed=0", run)
    (local,) = collect("fig", outputs, docs)
    (docs / "fig").mkdir(parents=True)
    mark = {"code": "0123456789abcdef", "by": "10 first losses"}
    for started, expected in ((run["started"], mark), ("2020-01-01T00:00:00", None)):
        line = {**run, "started": started, "row": "A", "seed": 0, "further": "", "hash": local.hash, "confirmed": mark}
        (docs / "fig" / "runs.jsonl").write_text(json.dumps(line) + "\n")
        (found,) = collect("fig", outputs, docs)
        assert found.local
        assert found.result.get("confirmed") == expected


ANSWER = {"samples": 8, "identity": "ab", "correct": {"test/acc": "8A=="}}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"git": {"commit": ["a"]}}, "git must be of type {commit: str, dirty: bool, project: .*} . None; got"),
        ({"data": {"test": "many"}}, "data must be of type"),
        ({"data": {"name": 1}}, "data must be of type"),
        ({"answers": {"test": {"samples": 8}}}, "answers must be of type"),
        ({"answers": {"test": ANSWER | {"correct": ["8A=="]}}}, "answers must be of type"),
        ({"audit": {"findings": [{"check": "batch"}]}}, "audit must be of type"),
        ({"confirmed": {"code": "ab"}}, "confirmed must be of type"),
        ({"tuned": {"values": ["neuron.tau"]}}, "tuned must be of type"),
        ({"physics": {"dataset": 5}}, "physics must be of type"),
        ({"layers": {"firing_rate": {"test": {"a": ["x"]}}}}, "layers must be of type"),
        ({"layers": {"firing_rate": {"test": {"a": [0.1, 0.2], "b": [0.1]}}}}, "as many values .*; got 1 and 2 in firing_rate"),
        ({"wall_s": 10**400}, "a number must have at most 18 digits; got 401"),
    ],
    ids=str,
)
def test_what_is_inside_an_entry_is_checked_too(leave, done, outputs, docs, sweep, changes, reason):
    """Else one foreign result would end the report of the whole sweep."""
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.9))
    leave("fig", "B,seed=0,scale=small", done("B", 0, 0.9) | changes)
    fine, damaged = sorted(collect("fig", outputs, docs), key=lambda run: run.row)
    assert (fine.state, damaged.state) == ("done", "damaged")
    assert re.search(reason, damaged.reason), damaged.reason
    assert document(work_out(sweep, [fine, damaged]))


def test_numbers_that_are_not_finite_are_none(leave, done, outputs, docs, sweep):
    folder = leave("fig", "A,seed=0,scale=small", done("A", 0, 0.9))
    text = (folder / "result.json").read_text().replace("0.9", "1e999").replace("2.1", "NaN")
    (folder / "result.json").write_text(text)
    (run,) = collect("fig", outputs, docs)
    assert (run.result["metrics"]["test/acc"], run.result["curves"]["train/loss"]) == (None, [None, 1.0])
    assert document(work_out(sweep, [run]))


def test_half_a_character_is_made_visible(leave, done, outputs, docs, sweep):
    """A text with it cannot be written to a file."""
    leave("fig", os.fsdecode(b"A,seed=0,x=\xff"), done("A", 0, 0.9, device="\ud800"))
    (run,) = collect("fig", outputs, docs)
    assert (run.further, run.result["device"]) == (r"x=\udcff", r"\ud800")
    assert document(work_out(sweep, [run])).encode()


@pytest.mark.parametrize("seed", ["", "x", "0 (copy)", "²", "-1"])
def test_a_link_whose_seed_is_no_number_has_that_of_its_result(leave, done, outputs, docs, seed):
    leave("fig", f"A,seed={seed}", done("A", 3, 0.9))
    (run,) = collect("fig", outputs, docs)
    assert (run.row, run.seed) == ("A", 3)


@pytest.mark.parametrize("name", ["result.json", "audit.json", "progress.json", "metrics.csv", ".lock"])
def test_a_pipe_in_a_runs_folder_is_not_waited_for(leave, done, outputs, docs, sweep, name):
    folder = leave(
        "fig", "A,seed=0,scale=small", None if name != "audit.json" else done("A", 0, 0.9), hash=done("A", 0, 0)["hash"]
    )
    os.mkfifo(folder / name)
    (run,) = collect("fig", outputs, docs)
    assert run.state == {"result.json": "damaged", "audit.json": "done"}.get(name, "unfinished")
    assert dashboard(work_out(sweep, [run]), outputs, live=False)

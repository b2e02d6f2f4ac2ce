"""Runs are collected from folders, locks and the record."""

import fcntl
import json
from pathlib import Path

import pytest

from snnx.compose.compose import _file_name
from snnx.report.data.runs import collect


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


def test_error_in_the_record_names_file_and_line(docs, outputs):
    (docs / "fig").mkdir(parents=True)
    (docs / "fig" / "runs.jsonl").write_text("<<<<<<< HEAD\n")
    with pytest.raises(ValueError, match=r"runs.jsonl:1: must be JSON; Expecting value"):
        collect("fig", outputs, docs)


def test_unknown_status_is_rejected(leave, done, outputs, docs):
    leave("fig", "A,seed=0", done("A", 0, 0.8, status="fine"))
    with pytest.raises(ValueError, match=r"result.json: status must be one of done, failed, diverged, no data; got"):
        collect("fig", outputs, docs)


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

"""The committed record: merged and sorted runs, no paths of this machine, remarks kept."""

import json
from pathlib import Path

import pytest

from snnx.report.data.runs import collect
from snnx.report.pages.committed import REMARKS, record
from snnx.report.results import work_out


def entries(docs: Path) -> list[dict]:
    return [json.loads(line) for line in (docs / "fig" / "runs.jsonl").read_text().splitlines()]


def test_ended_runs_are_recorded_in_order_under_the_names_of_this_sweep(sweep, leave, done, outputs, docs):
    leave("fig", "B,seed=0,scale=small", done("PLIF", 0, 0.8, sweep="other"))
    leave("fig", "A,seed=1,scale=small", done("A", 1, 0.8))
    leave("fig", "A,seed=0,scale=small,neuron.tau=4", done("A", 0, 0.8))
    leave("fig", "A,seed=0", done("A", 0, 0.8, scale="paper"))
    leave("fig", "A,seed=2,scale=small", None, hash="a2")
    written = record(sweep, collect("fig", outputs, docs), docs)
    assert [path.relative_to(docs).as_posix() for path in written] == ["fig/runs.jsonl", "fig/curves.png", "fig.md"]
    keys = [(entry["sweep"], entry["row"], entry["scale"], entry["seed"], entry["further"]) for entry in entries(docs)]
    assert keys == [
        ("fig", "A", "paper", 0, ""), ("fig", "A", "small", 0, "neuron.tau=4"), ("fig", "A", "small", 1, ""),
        ("fig", "B", "small", 0, ""),
    ]  # fmt: skip


def test_machine_paths_and_tracebacks_are_not_recorded(sweep, leave, done, outputs, docs):
    error = {"type": "OSError", "message": f"no {Path.home()}/data/x", "traceback": f"File {Path.home()}/snnx/run.py"}
    command = f"{Path.cwd()}/venv/bin/snnx -m sweep=fig"
    leave("fig", "A,seed=0,scale=small", done("A", 0, None, status="failed", error=error, command=command))
    record(sweep, collect("fig", outputs, docs), docs)
    (entry,) = entries(docs)
    assert entry["error"] == {"type": "OSError", "message": "no ~/data/x"}
    assert entry["command"] == "venv/bin/snnx -m sweep=fig"
    assert "no ~/data/x" in (docs / "fig.md").read_text()


def test_recording_again_changes_nothing_and_later_adds_new_runs(sweep, leave, done, outputs, docs, tmp_path):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    record(sweep, collect("fig", outputs, docs), docs)
    before = {path: path.read_bytes() for path in docs.rglob("*") if path.is_file()}
    record(sweep, collect("fig", tmp_path / "another machine", docs), docs)
    assert {path: path.read_bytes() for path in docs.rglob("*") if path.is_file()} == before
    leave("fig", "A,seed=1,scale=small", done("A", 1, 0.9))
    record(sweep, collect("fig", outputs, docs), docs)
    assert [entry["seed"] for entry in entries(docs)] == [0, 1]


def test_remarks_survive(sweep, leave, done, outputs, docs):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    record(sweep, collect("fig", outputs, docs), docs)
    page = docs / "fig.md"
    assert page.read_text().endswith(f"## Remarks\n\n{REMARKS}\n")
    page.write_text(page.read_text() + "\nThe order is as claimed, the height is not.\n")
    leave("fig", "A,seed=1,scale=small", done("A", 1, 0.9))
    record(sweep, collect("fig", outputs, docs), docs)
    text = page.read_text()
    assert text.endswith(f"{REMARKS}\n\nThe order is as claimed, the height is not.\n")
    assert "(n=2)" in text
    assert "](fig/curves.png)" in text


def test_a_page_without_the_marker_is_not_overwritten(sweep, leave, done, outputs, docs):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    docs.mkdir(parents=True)
    (docs / "fig.md").write_text("all mine\n")
    with pytest.raises(ValueError, match=r"fig.md: must contain the line <!-- remarks -->, below which remarks are kept; add"):
        record(sweep, collect("fig", outputs, docs), docs)
    assert (docs / "fig.md").read_text() == "all mine\n"


def test_without_ended_runs_nothing_is_recorded(sweep, leave, outputs, docs):
    leave("fig", "A,seed=0", None, hash="a0")
    with pytest.raises(ValueError, match=r"fig: must have at least one run that has ended to be recorded; got 1 unfinished"):
        record(sweep, collect("fig", outputs, docs), docs)
    assert not docs.exists()


def test_a_report_counts_runs_from_the_record_but_the_record_does_not(sweep, leave, done, outputs, docs, tmp_path):
    remark = "1 of 2 runs come from the committed record"
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    record(sweep, collect("fig", outputs, docs), docs)
    assert not any(remark in note for note in work_out(sweep, collect("fig", outputs, docs)).notes)
    leave("fig", "A,seed=1,scale=small", done("A", 1, 0.9))
    (outputs / "fig" / "A,seed=0,scale=small").unlink()
    runs = collect("fig", outputs, docs)
    assert any(remark in note for note in work_out(sweep, runs).notes)
    record(sweep, runs, docs)
    assert remark not in (docs / "fig.md").read_text()

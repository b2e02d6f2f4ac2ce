"""Failed audits and warnings of a training are shown with the numbers, also from the committed record."""

import shutil

from snnx.record import audit_file
from snnx.report.data.lines import lines
from snnx.report.data.runs import collect
from snnx.report.pages.committed import record
from snnx.report.pages.notes import notes


def test_a_row_that_failed_an_audit_is_marked_and_explained(sweep, leave, done, outputs, docs):
    findings = [{"check": "batch", "outcome": "passed", "text": "x"}, {"check": "chance", "outcome": "failed", "text": "x"}]
    leaked = {"check": "split", "outcome": "failed", "text": "samples 20 of test are also in train"}
    for seed, more in ((0, []), (1, [leaked]), (2, [leaked])):
        facts = done("A", seed, 0.8)
        folder = leave("fig", f"A,seed={seed},scale=small", facts)
        audit_file.save(folder, {"started": facts["started"], "epoch": 2, "findings": [*findings, *more]})
    leave("fig", "B,seed=0,scale=small", done("B", 0, 0.8))
    runs = collect("fig", outputs, docs)
    found = lines(["A", "B"], runs)
    assert [line.label for line in found] == ["A (audit failed: split)", "B"]
    text = "A (audit failed: split), seed 1, 2, small failed the audit's check split: samples 20 of test are also in train"
    assert text in notes(sweep, found)
    record(sweep, runs, docs)  # a failed audit stays in the record, and so on the page
    shutil.rmtree(outputs)
    assert [line.label for line in lines(["A", "B"], collect("fig", outputs, docs))] == ["A (audit failed: split)", "B"]
    assert "| A (audit failed: split) |" in (docs / "fig.md").read_text()


def test_a_report_shows_the_warnings(sweep, leave, done, outputs, docs):
    for seed in (0, 1):
        leave("fig", f"A,seed={seed},scale=small", done("A", seed, 0.8, warnings=["sn1 did not fire in epoch 1"]))
    found = notes(sweep, lines(["A"], collect("fig", outputs, docs)))
    assert "A, seed 0, 1, small, warning: sn1 did not fire in epoch 1" in found

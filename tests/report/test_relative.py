"""Energies relative to a row of the same page, computed from latency and spikes."""

from dataclasses import replace

import pytest

from snnx.report.data.lines import lines
from snnx.report.data.relative import with_relative_energies
from snnx.report.data.runs import collect
from snnx.report.pages.committed import record
from snnx.report.results import work_out

BY_SEED = {0: (100, 5000.0), 1: (200, 8000.0)}  # latency and spikes of the reference row B


@pytest.fixture
def runs(leave, done, outputs, docs):
    for seed, (steps, spikes) in BY_SEED.items():
        for row, factor in (("A", 0.5), ("B", 1.0)):
            found = {"test/acc": 0.8, "test/latency_steps": steps * factor, "test/spikes_in_total": spikes * factor / 2}
            leave("fig", f"{row},seed={seed},scale=small", done(row, seed, 0.8, metrics=found))
    leave("fig", "A,seed=2,scale=small", done("A", 2, 0.8, metrics={"test/latency_steps": 9.0, "test/spikes_in_total": 9.0}))
    leave("fig", "B,seed=2,scale=small", done("B", 2, 0.8))  # has neither
    return collect("fig", outputs, docs)


def test_every_seed_is_divided_by_the_reference_of_its_seed(runs):
    """A has half the steps and spikes of B with the same seed; for seed 2, B has the means of the others, 150 and 3,250."""
    a, b = with_relative_energies("B", lines(["A", "B"], runs))
    assert b.values("test/relative_truenorth") == pytest.approx({0: 1.0, 1: 1.0})
    wanted = {0: 0.5, 1: 0.5, 2: 0.6 * 9 / 150 + 0.4 * 9 / 3250}
    assert a.values("test/relative_truenorth") == pytest.approx(wanted)
    assert a.values("test/relative_spinnaker")[2] == pytest.approx(0.36 * 9 / 150 + 0.64 * 9 / 3250)
    assert a.values("test/relative_to_paper_truenorth")[0] == pytest.approx(0.6 * 50 / 512 + 0.4 * 1250 / 2.612e6)
    assert set(a.values("test/relative_to_paper_spinnaker")) == {0, 1, 2}
    assert not a.values("test/energy_truenorth")


def test_a_reference_without_latency_gives_the_number_of_the_paper_alone(leave, done, outputs, docs):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, metrics={"test/latency_steps": 9.0, "test/spikes_in_total": 9.0}))
    leave("fig", "B,seed=0,scale=small", done("B", 0, 0.8))
    a, _ = with_relative_energies("B", lines(["A", "B"], collect("fig", outputs, docs)))
    assert not a.values("test/relative_truenorth")
    assert set(a.values("test/relative_to_paper_truenorth")) == {0}


def test_time_and_spikes_are_weighted_as_on_the_chip(leave, done, outputs, docs):
    for row, steps, spikes in (("A", 10.0, 30.0), ("B", 20.0, 10.0)):
        found = {"test/latency_steps": steps, "test/spikes_in_total": spikes, "test/energy_truenorth": 7.0}
        leave("fig", f"{row},seed=0,scale=small", done(row, 0, 0.8, metrics=found))
    a, _ = with_relative_energies("B", lines(["A", "B"], collect("fig", outputs, docs)))
    assert a.values("test/relative_truenorth") == {0: pytest.approx(0.6 * 0.5 + 0.4 * 3)}
    assert a.values("test/relative_spinnaker") == {0: pytest.approx(0.36 * 0.5 + 0.64 * 3)}
    assert a.values("test/energy_truenorth") == {0: 7.0}  # what the run measured, beside what the report computes
    assert a.values("test/relative_to_paper_truenorth") == {0: pytest.approx(0.6 * 10 / 512 + 0.4 * 30 / 2.612e6)}


def test_nothing_is_added_without_a_reference(runs):
    for line in with_relative_energies(None, lines(["A", "B"], runs)):
        assert not line.values("test/relative_truenorth")
        assert not line.values("test/relative_to_paper_truenorth")


def test_a_report_has_a_table_with_its_formula_and_a_claim(sweep, runs):
    claim = {"metric": "test/relative_truenorth", "claim": "A < 0.6"}
    results = work_out(replace(sweep, reference="B", claims=(claim,)), runs)
    (table,) = (table for table in results.tables if table.title.startswith("test/relative_truenorth"))
    assert table.below == (
        "test/relative_truenorth = 0.6 * latency_steps/(that of B) + 0.4 * spikes_in_total/(that of B), of the same seed",
    )
    assert results.verdicts[0].evidence[0].n == 3


def test_the_record_holds_what_the_runs_measured(sweep, runs, docs):
    record(replace(sweep, reference="B"), runs, docs)
    assert "relative_" not in (docs / "fig" / "runs.jsonl").read_text()
    assert "truenorth" not in (docs / "fig" / "runs.jsonl").read_text()

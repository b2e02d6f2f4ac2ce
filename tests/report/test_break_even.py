"""The firing rate at which a network would take the energy of a network without spikes, in the table of costs."""

from dataclasses import replace

import pytest

from snnx.options.sweepfile import sweep_named
from snnx.report.data.lines import lines
from snnx.report.data.runs import collect
from snnx.report.tables import costs
from snnx.report.tables.break_even import SYNOP, TITLE, rates

SYNOPS = 2e6
FIXED = 1.0  # µJ, whatever fires


@pytest.fixture
def found(leave, done, outputs, docs):
    def energy(row, seed, rate, uj, synops):
        metrics = {"test/acc": 0.8, "test/energy_int8_memory_uj": uj}
        spikes = {"test/energy_synops": synops, "test/firing_rate": rate} if synops else {}
        leave("fig", f"{row},seed={seed},scale=small", done(row, seed, 0.8, metrics=metrics | spikes))

    grows = SYNOP * SYNOPS / 1e6
    energy("ReLU", 0, None, FIXED + grows / 4, None)
    energy("Busy", 0, 0.2, FIXED + grows, SYNOPS)
    energy("Busy", 1, 0.4, FIXED + 2 * grows, 2 * SYNOPS)
    energy("Heavy", 0, 0.2, 3 * FIXED + grows, SYNOPS)
    return lines(["ReLU", "Busy", "Heavy"], collect("fig", outputs, docs))


def test_rates_are_those_at_which_the_energies_are_equal(found):
    """Busy has the reference's energy at a quarter of its spikes with seed 0; Heavy takes more without any spike."""
    relu, busy, heavy = rates("ReLU", found)
    assert (relu, heavy) == ([], [0.0])
    assert busy == pytest.approx([0.05, 0.05])
    assert rates(None, found) == [[], [], []]


def test_the_table_of_costs_has_the_column_if_the_sweep_names_the_row(found):
    runs = [replace(line, runs=tuple(replace(run, result=with_energy(run.result)) for run in line.runs)) for line in found]
    sweep = sweep_named("demo_neurons")
    assert TITLE not in costs.table(sweep, runs).columns
    table = costs.table(replace(sweep, break_even="ReLU"), runs)
    assert TITLE in table.columns
    assert sum("at which the int8 energy would be that of ReLU" in text for text in table.below) == 1


def with_energy(result):
    return result | {"metrics": result["metrics"] | {"test/energy_45nm_uj": 1.0}}

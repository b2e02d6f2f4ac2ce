"""Accuracy and cost: the table with its formulas, and the two figures with their Pareto fronts."""

import matplotlib.axes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnx.metric.anytime import AnyTime
from snnx.metric.decision import Decision
from snnx.metric.energy import Energy
from snnx.metric.relative_energy import RelativeEnergy
from snnx.metric.spikes_per_neuron import SpikesPerNeuron
from snnx.report.data.lines import lines
from snnx.report.data.runs import collect
from snnx.report.figures import tradeoff
from snnx.report.pages.html import page
from snnx.report.pages.markdown import document
from snnx.report.results import work_out
from snnx.report.tables import costs
from snnx.report.tables.text import terminal

POINTS = st.lists(st.tuples(st.floats(0, 9), st.floats(0, 1)), max_size=12)
FORMULA = "(4.6 pJ * macs + 0.9 pJ * synops) / 1e6   [Horowitz]"


def spiking(energy, **further):
    return {"test/acc": 0.8, "test/energy_45nm_uj": energy, "test/energy_synops": 1000.0, **further}


def curves(steps, accuracies, energies):
    found = {"step": steps, "acc": accuracies, "energy_uj": energies}
    return {f"anytime_{name}": {"test": {"all": values}} for name, values in found.items()}


@pytest.fixture
def runs(leave, done):
    """Row A is a spiking network with two seeds and anytime curves, row B a ReLU network."""
    exits = {"test/anytime_since_steps": 2.5, "test/anytime_running_latency_steps": 3.0, "test/anytime_exit_acc": 0.7}
    for seed in (0, 1):
        facts = {"metrics": spiking(1.0 + seed, **exits), "layers": curves([1, 4], [0.5, 0.8], [0.4, 1.5])}
        facts |= {"fit_s": 60.0, "formulas": {"test/energy_45nm_uj": FORMULA, "test/energy_bytes": "of no column"}}
        leave("fig", f"A,seed={seed},scale=small", done("A", seed, 0.8, **facts))
    metrics = {"test/acc": 0.9, "test/energy_45nm_uj": 6.0, "test/energy_macs": 70000.0, "test/anytime_since_steps": 1.0}
    leave("fig", "B,seed=0,scale=small", done("B", 0, 0.9, metrics=metrics, layers=curves([1], [0.9], [6.0])))


@pytest.fixture
def found(sweep, outputs, docs):
    return lambda what: what(sweep, lines(["A", "B"], collect("fig", outputs, docs)))


def test_table_has_the_columns_that_have_numbers(runs, found):
    table = found(costs.table)
    assert table.columns == (
        "row", "scale", "n", "test/acc (%)", "SynOps", "MACs", "latency to decision (steps)", "early exit (steps)",
        "energy (µJ)", "training (s)", "parameters",
    )  # fmt: skip
    a, b = table.rows
    assert a[:6] == ("A", "small", "2", "80.00 ± 0.00", "1,000 ± 0", "-")
    assert a[6:] == ("2.500 ± 0.000", "3.000 ± 0.000", "1.500 ± 0.707", "60.00 ± 0.00", "556,682")
    assert b == ("B", "small", "1", "90.00", "-", "70,000", "1.000", "-", "6.000", "-", "556,682")
    assert table.below == (f"energy (µJ), test/energy_45nm_uj = {FORMULA}",)


def test_a_cell_with_fewer_seeds_than_its_row_shows_its_n(runs, leave, done, found):
    leave("fig", "A,seed=2,scale=small", done("A", 2, 0.8, metrics={"test/acc": 0.8, "test/energy_45nm_uj": 3.0}))
    row = dict(zip(found(costs.table).columns, found(costs.table).rows[0], strict=True))
    assert row["n"] == "3"
    assert row["energy (µJ)"] == "2.000 ± 1.000"
    assert row["SynOps"] == "1,000 ± 0 (n=2)"
    assert row["training (s)"] == "60.00 ± 0.00 (n=2)"
    assert row["parameters"] == "556,682"


def test_formulas_are_below_the_table_in_markdown_and_html(runs, sweep, outputs, docs):
    results = work_out(sweep, collect("fig", outputs, docs))
    for written in (document(results), page(results)):
        assert written.count(FORMULA) == 1
        assert written.index("Accuracy and cost") < written.index(FORMULA) < written.index("Provenance")
    assert terminal(results.tables[1]).row_count == 2


def test_every_metric_of_the_table_has_a_formula():
    metrics = (AnyTime(), Decision(), Energy(), RelativeEnergy(), SpikesPerNeuron())
    known = {f"test/{curve}" for metric in metrics for curve in metric.formulas}
    assert {name for names in costs.COLUMNS.values() for name in names} <= known


def test_what_the_two_figures_draw(runs, found, monkeypatch):
    """Row A as markers and curves with its early exit, the ReLU network as a dotted line or a square, and the front."""
    drawn, levels, fronts = {}, [], []
    plot = matplotlib.axes.Axes.plot
    monkeypatch.setattr(
        matplotlib.axes.Axes,
        "plot",
        lambda axis, x, y, **style: (
            drawn.setdefault(style.get("label") or len(drawn), (list(x), [round(v, 6) for v in y], style))
            and plot(axis, x, y, **style)
        ),
    )
    line, step = matplotlib.axes.Axes.axhline, matplotlib.axes.Axes.step
    monkeypatch.setattr(matplotlib.axes.Axes, "axhline", lambda axis, y, **style: levels.append(y) or line(axis, y, **style))
    monkeypatch.setattr(
        matplotlib.axes.Axes, "step", lambda axis, x, y, **style: fronts.append((list(x), y)) or step(axis, x, y, **style)
    )
    latency, energy = found(tradeoff.draw)
    assert (latency.name, energy.name) == ("latency_accuracy", "energy_accuracy")
    assert levels == [90.0]
    assert fronts == [([1, 3.0, 4], [50.0, 70.0, 80.0]), ([0.4, 1.5, 6.0], [50.0, 80.0, 90.0])]
    assert drawn["A"][:2] == ([4], [80.0])
    assert drawn["B"][:2] == ([6.0], [90.0])
    assert drawn["B"][2]["marker"] == "s"
    assert latency.png.startswith(b"\x89PNG")


def test_a_latency_without_curves_is_drawn_as_a_point(leave, done, found):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, metrics={"test/acc": 0.8, "test/latency_steps": 50.0}))
    (plot,) = found(tradeoff.draw)
    assert plot.name == "latency_accuracy"
    assert found(costs.table).columns == ("row", "scale", "n", "test/acc (%)", "latency to decision (steps)", "parameters")


def test_without_a_cost_there_is_no_table_and_no_figure(leave, done, found):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    assert found(tradeoff.draw) == []
    assert found(costs.table) is None


@given(POINTS)
def test_no_point_is_better_than_the_front(points):
    best = tradeoff.front(points)
    assert set(best) <= set(points)
    for cost, accuracy in points:
        assert any(c <= cost and a >= accuracy for c, a in best)
    assert best == sorted(best)
    assert [a for _, a in best] == sorted({a for _, a in best})

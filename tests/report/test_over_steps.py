"""Figures of accuracy and cost over the time steps of a run."""

from dataclasses import replace

import matplotlib.axes
import pytest

from snnx.report.data.lines import lines
from snnx.report.data.runs import collect
from snnx.report.figures import layer_curves, over_steps, together


def probed(steps, accuracies):
    curves = {"step": steps, "acc": accuracies, "synops": [9.0 * t for t in steps], "energy_uj": [0.0] * len(steps)}
    return {f"anytime_{name}": {"test": {"all": values}, "correct": {"all": values}} for name, values in curves.items()}


@pytest.fixture
def drawn(sweep, outputs, docs):
    return lambda figure: figure(sweep, lines(["A", "B"], collect("fig", outputs, docs)))


def test_draws_a_curve_per_row_and_the_network_without_spikes_dashed(leave, done, drawn, monkeypatch):
    """Row A has three recorded steps, two seeds and a ReLU network at 85 %; row B has a single recorded step."""
    for seed in (0, 1):
        metrics = {"test/acc": 0.8, "test/ann_acc": 0.85}
        leave(
            "fig",
            f"A,seed={seed},scale=small",
            done("A", seed, 0.8, metrics=metrics, layers=probed([10, 20, 25], [0.1, 0.5, 0.8])),
        )
    leave("fig", "B,seed=0,scale=small", done("B", 0, 0.7, layers=probed([5], [0.7])))
    seen, dashed = {}, []
    plot, line = matplotlib.axes.Axes.plot, matplotlib.axes.Axes.axhline

    def plotted(axis, x, y, **style):
        if "label" in style and axis.get_ylabel() == "":
            seen.setdefault(style["label"], (list(x), [round(float(v), 6) for v in y]))
        return plot(axis, x, y, **style)

    monkeypatch.setattr(matplotlib.axes.Axes, "plot", plotted)
    monkeypatch.setattr(matplotlib.axes.Axes, "axhline", lambda axis, y, **style: dashed.append(y) or line(axis, y, **style))
    plots = drawn(over_steps.draw)
    assert [plot.name for plot in plots] == ["anytime_acc", "anytime_synops", "anytime_energy_uj"]
    assert seen == {"A": ([10, 20, 25], [10.0, 50.0, 80.0]), "B": ([5], [70.0])}
    assert dashed == [pytest.approx(85.0)]
    assert "dashed" in plots[0].caption
    assert all(plot.png.startswith(b"\x89PNG") for plot in plots)
    assert drawn(layer_curves.draw) == []


def test_draws_nothing_without_anytime_curves(leave, done, drawn):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    assert drawn(over_steps.draw) == []


def test_draws_accuracy_spikes_and_energy_in_one_picture_for_each_scale(leave, done, sweep, outputs, docs):
    """For a sweep with a reference row; a row without spikes is left out."""
    spikes = {"anytime_spikes": {"test": {"all": [3.0, 7.0]}}}
    for scale in ("small", "paper"):
        for row in ("A", "B"):
            layers = probed([1, 2], [0.5, 0.8]) | (spikes if row == "A" else {})
            leave("fig", f"{row},seed=0,scale={scale}", done(row, 0, 0.8, scale=scale, layers=layers))
    found = lines(["A", "B"], collect("fig", outputs, docs))
    assert together.draw(sweep, found) == []
    plots = together.draw(replace(sweep, reference="A"), found)
    assert [plot.name for plot in plots] == ["together_paper", "together_small"]
    accuracy, fired, energy = plots[0].figure.axes
    assert accuracy.lines[0].get_ydata().tolist() == [50.0, 80.0]
    assert [line.get_ydata().tolist() for line in fired.lines if len(line.get_ydata()) == 2] == [[3.0, 7.0]]
    assert tuple(axis.get_title(loc="left") for axis in (fired, energy)) == ("spikes per sample", "energy per sample (µJ)")
    assert all(plot.png.startswith(b"\x89PNG") for plot in plots)

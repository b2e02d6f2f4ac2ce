"""Figures are drawn from the results of runs, also from few or missing values; their looks are not tested."""

import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnx.report.data.lines import lines
from snnx.report.data.runs import collect
from snnx.report.data.series import Series, layer_positions, layer_series
from snnx.report.figures import attention_maps, histograms, layer_curves, learning_curves, raster
from snnx.report.figures.axes import COLOURS, band_line, label_lines, panels, spread_apart, styles

LAYERS = {"encoder.0.sn2": [1.0, 2.0], "encoder.1.sn2": [3.0, None]}


@pytest.fixture
def drawn(sweep, outputs, docs):
    def drawn(figure):
        return figure(sweep, lines(["A", "B"], collect("fig", outputs, docs)))

    return drawn


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


def test_curves(leave, done, drawn):
    for seed in (0, 1):
        leave("fig", f"A,seed={seed},scale=small", done("A", seed, 0.8, curves={"val/acc": [0.5, None, 0.8 + seed]}))
    leave("fig", "B,seed=0", done("B", 0, 0.8, scale="paper", curves={"val/acc": [None, None]}))
    (plot,) = drawn(learning_curves.draw)
    assert plot.name == "curves"
    assert size(plot.png) == (1440, 570)  # two panels of 4.8 by 3.8 inches at 150 dots


def test_bars_if_no_curve_was_recorded(leave, done, drawn):
    for seed in (0, 1):
        leave("fig", f"A,seed={seed},scale=small", done("A", seed, 0.8, curves={}))
    leave("fig", "B,seed=0,scale=small", done("B", 0, 0.7, curves={}))
    (plot,) = drawn(learning_curves.draw)
    assert plot.name == "bars"
    size(plot.png)


def test_draws_nothing_if_no_run_has_a_number(leave, done, drawn):
    leave("fig", "A,seed=0,scale=small", done("A", 0, None, curves={}))
    leave("fig", "A,seed=1,scale=small", None, hash="a1")
    assert drawn(learning_curves.draw) == drawn(layer_curves.draw) == []


def test_layers_of_a_single_row_are_compared_over_samples(leave, done, sweep, outputs, docs, drawn):
    probed = {"spiking_percent": {"test": LAYERS, "correct": LAYERS, "wrong": LAYERS}}
    for seed in (0, 1):
        leave("fig", f"A,seed={seed},scale=small", done("A", seed, 0.8, layers=probed))
    series = layer_series(lines(["A"], collect("fig", outputs, docs)), "spiking_percent")
    assert [(entry.title, entry.label, len(entry.seeds)) for entry in series] == [
        ("A", "test set", 2), ("A", "correct sample", 2), ("A", "wrong sample", 2),
    ]  # fmt: skip
    assert [plot.name for plot in drawn(layer_curves.draw)] == ["layers_spiking_percent"]


def test_layers_of_several_rows_are_compared_on_the_test_set(leave, done, outputs, docs, drawn):
    for row in ("A", "B"):
        probed = {"residual_potential_sum": {"test": LAYERS, "wrong": LAYERS}}
        leave("fig", f"{row},seed=0,scale=small", done(row, 0, 0.8, layers=probed))
    series = layer_series(lines(["A", "B"], collect("fig", outputs, docs)), "residual_potential_sum")
    assert [(entry.title, entry.label) for entry in series] == [("test set", "A"), ("test set", "B")]
    assert series[0].seeds[0].shape == (2, 2)
    plots = drawn(layer_curves.draw)
    assert [plot.name for plot in plots] == ["layers_residual_potential_sum", "steps_residual_potential_sum"]
    assert size(plots[1].png) == (1200, 570)


def test_a_row_has_the_same_colour_in_every_figure(leave, done, sweep, outputs, docs):
    """Row A has no firing rate; rows B and C still keep the colours that they have in the other figure."""
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, layers={"energy_synops": {"test": LAYERS}}))
    leave(
        "fig",
        "B,seed=0,scale=small",
        done("B", 0, 0.8, layers={"firing_rate": {"test": LAYERS}, "energy_synops": {"test": LAYERS}}),
    )
    leave("fig", "C,seed=0,scale=small", done("C", 0, 0.8, layers={"firing_rate": {"test": LAYERS}}))
    found = lines(["A", "B", "C"], collect("fig", outputs, docs))
    seen = {entry.label: entry.style for name in ("firing_rate", "energy_synops") for entry in layer_series(found, name)}
    assert seen == styles(["A", "B", "C"])


@pytest.mark.parametrize(("steps", "marked"), [(1, True), (2, False)])
def test_a_row_with_one_time_step_is_marked_among_rows_with_several(leave, done, drawn, steps, marked):
    for row, probed in (("A", LAYERS), ("B", {layer: values[:steps] for layer, values in LAYERS.items()})):
        leave("fig", f"{row},seed=0,scale=small", done(row, 0, 0.8, layers={"firing_rate": {"test": probed}}))
    (plot,) = drawn(layer_curves.draw)
    assert ("(T = 1)" in plot.caption) == marked


def test_layers_of_the_same_name_get_the_same_position(leave, done, outputs, docs):
    """Row B has no value for its first layer; its other layers are drawn where row A has the layers of these names."""
    whole = {"conv1": [1.0], "conv2": [2.0], "out": [3.0]}
    later = {"conv2": [2.0], "out": [3.0]}
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, layers={"energy_synops": {"test": whole}}))
    leave("fig", "B,seed=0,scale=small", done("B", 0, 0.8, layers={"energy_synops": {"test": later}}))
    series = layer_series(lines(["A", "B"], collect("fig", outputs, docs)), "energy_synops")
    assert layer_positions(series) == {("conv1", "conv2", "out"): [1, 2, 3], ("conv2", "out"): [2, 3]}


@pytest.mark.parametrize("other", [("stem", "out"), ("out", "conv1")])
def test_layers_of_a_different_network_are_numbered_from_1(other):
    series = [Series("", "", "", ("", ""), names, []) for names in (("conv1", "conv2", "out"), other)]
    assert layer_positions(series)[other] == [1, 2]


def test_each_configuration_of_a_single_row_has_a_panel(leave, done, outputs, docs):
    probed = {"spiking_percent": {"test": LAYERS, "correct": LAYERS, "wrong": LAYERS}}
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, layers=probed))
    leave("fig", "A,seed=0,scale=small,lr=2", done("A", 0, 0.8, layers=probed, group="other", hash="other"))
    series = layer_series(lines(["A"], collect("fig", outputs, docs)), "spiking_percent")
    assert [entry.scale for entry in series] == ["small"] * 3 + ["small lr=2"] * 3
    assert [entry.label for entry in series[:3]] == ["test set", "correct sample", "wrong sample"]


def test_a_metric_of_a_single_layer_is_drawn_over_time(leave, done, drawn):
    """A metric of the input has one layer, whose mean over time steps would be a single point."""
    probed = {"nonzero_input_percent": {"test": {"input": [10.0, 20.0, 30.0]}}}
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, layers=probed))
    assert [plot.name for plot in drawn(layer_curves.draw)] == ["steps_nonzero_input_percent"]


def test_a_metric_that_is_a_single_number_is_not_drawn(leave, done, drawn):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, layers={"energy_45nm_uj": {"test": {"all": [0.5]}}}))
    assert drawn(layer_curves.draw) == []


def test_the_same_numbers_give_the_same_bytes(leave, done, drawn):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    (one,), (other,) = drawn(learning_curves.draw), drawn(learning_curves.draw)
    assert (one.png, one.pdf) == (other.png, other.pdf)


def test_mean_and_range_of_histories_of_different_lengths():
    mean, low, high = learning_curves.mean_and_range([[1.0], [3.0, 4.0, None]])
    np.testing.assert_array_equal([mean, low, high], [[2, 4, np.nan], [1, 4, np.nan], [3, 4, np.nan]])


def test_21_rows_have_21_different_styles():
    rows = [f"row{index}" for index in range(3 * len(COLOURS))]
    assert len(set(styles(rows).values())) == len(rows)


def test_styles_repeat_after_28_rows():
    rows = [f"row{index}" for index in range(45)]
    found = styles(rows)
    assert list(found) == rows
    assert found["row28"] == found["row0"] != found["row27"]


@given(st.lists(st.floats(0, 1), max_size=10).map(sorted))
def test_labels_keep_their_order_and_distance(places):
    moved = spread_apart(places, gap=0.1, low=0.0, high=1.0)
    assert all(after - before >= 0.1 - 1e-9 for before, after in pairwise(moved))
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in moved)


def test_training_curves_and_histograms(leave, done, drawn):
    """Metrics of the training set are drawn too: gradients by layer, firing rates by iteration, and histograms."""
    probed = {
        "weight_gradient_log10": {"train": {"fc1": [-2.0], "out": [-3.0]}},
        "firing_rate_by_iteration": {"train": {"sn1": [0.1] * 30, "sn2": [0.2] * 30}},
        "weight_gradient_histogram": {"train": {"fc1": [0.5] + [0.0] * 54 + [0.5], "out": [1 / 56] * 56}},
        "potential_histogram": {"test": {"sn1": [1 / 64] * 64}, "wrong": {"sn1": [1 / 64] * 64}},
    }
    for row in ("A", "B"):
        for seed in (0, 1):
            leave("fig", f"{row},seed={seed},scale=small", done(row, seed, 0.8, layers=probed))
    assert [plot.name for plot in drawn(layer_curves.draw)] == [
        "layers_weight_gradient_log10", "iterations_firing_rate_by_iteration",
    ]  # fmt: skip
    potentials, gradients = drawn(histograms.draw)
    assert (potentials.name, gradients.name) == ("potential_histogram", "weight_gradient_histogram")
    assert size(gradients.png) == (960, 570)


def test_histograms_have_a_panel_for_every_layer_of_any_network(leave, done, drawn):
    for row, names in (("A", ("sn1",)), ("B", ("sn1", "sn2", "sn3"))):
        probed = {"potential_histogram": {"test": {name: [1 / 64] * 64 for name in names}}}
        leave("fig", f"{row},seed=0,scale=small", done(row, 0, 0.8, layers=probed))
    (plot,) = drawn(histograms.draw)
    assert size(plot.png) == (1170, 570)


def test_lines_are_interrupted_at_layers_that_a_network_lacks():
    x, (mean, *_) = layer_curves._broken([2, 5, 6], tuple(np.array([1.0, 2.0, 3.0]) for _ in range(3)))
    assert list(x) == [2, 3, 4, 5, 6]
    np.testing.assert_equal(mean, [1, np.nan, np.nan, 2, 3])
    band = (np.ones(3),) * 3
    assert layer_curves._broken(range(3), band) == (range(3), band)


@pytest.mark.parametrize(("least", "scale"), [(2e4, "linear"), (5, "log"), (0, "linear")])
def test_axis_is_logarithmic_if_values_span_more_than_3_decades(leave, done, drawn, least, scale):
    """A value of zero does not count, because a logarithmic axis cannot show it."""
    for row, count in (("A", 1e6), ("B", least)):
        probed = {"energy_synops": {"test": {"fc1": [count], "out": [2 * count]}}}
        leave("fig", f"{row},seed=0,scale=small", done(row, 0, 0.8, layers=probed))
    assert [plot.figure.axes[0].get_yscale() for plot in drawn(layer_curves.draw)] == [scale]


def test_a_long_legend_beside_the_panels_fits_into_the_figure():
    figure, (axis,) = panels(["one"])
    for row in range(40):
        band_line(axis, [1, 2], ([0, row], [0, row], [0, row]), ("red", "-"), f"row {row}")
    label_lines(axis)
    figure.draw_without_rendering()
    box = axis.get_legend().get_window_extent()
    assert box.y0 >= 0
    assert box.y1 <= figure.bbox.y1


def test_long_labels_go_into_a_legend_below_the_panels():
    """The legend makes the figure higher, so that the panels keep their height."""
    figure, axes = panels(["one", "two"])
    for axis in axes:
        for row in ("A", "B"):
            band_line(axis, [1, 2], ([0, 1], [0, 1], [0, 1]), ("red", "-"), f"{row} backbone.hidden=[512,512,512,512]")
    for axis in axes:
        label_lines(axis)
    (legend,) = figure.legends
    assert [text.get_text()[0] for text in legend.get_texts()] == ["A", "B"]
    figure.draw_without_rendering()
    assert min(axis.get_position().height * figure.get_figheight() for axis in axes) > 2.5
    assert not any(axis.texts for axis in axes)


def test_a_single_row_shows_metrics_of_the_training_set(leave, done, outputs, docs):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, layers={"surrogate_slope": {"train": LAYERS}}))
    (series,) = layer_series(lines(["A"], collect("fig", outputs, docs)), "surrogate_slope")
    assert (series.title, series.label) == ("A", "training")


def test_attention_maps_and_denoisers(leave, done, drawn):
    """The maps of both rows are in one plot; row B, which has a denoiser, gets a plot of its heads."""
    maps = {
        "attention_map_before": {"correct": {"b": [1, 0, 2, 0]}},
        "attention_map": {"correct": {"b": [0, 0, 2, 0]}},
    }
    heads = {f"b.attention.denoiser, head {i}": [0.0, 0.0, 2.0] for i in (0, 1)}
    learned = {"denoiser_table": {"train": heads}, "denoiser_curve": {"train": heads}}
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, layers=maps))
    leave("fig", "B,seed=0,scale=small", done("B", 0, 0.8, layers=maps | learned))
    plots = drawn(attention_maps.draw)
    assert [plot.name for plot in plots] == ["attention_map", "denoiser"]
    assert size(plots[0].png) == (2040, 630)  # four panels of 3.4 by 4.2 inches
    assert "denoiser of B" in plots[1].caption
    assert drawn(layer_curves.draw) == []


@pytest.mark.parametrize("times", [[None, None], [], [0, 0], [None, 3.0], [0.5, 7.0]])
def test_raster_of_few_spikes_or_none(leave, done, drawn, times):
    """If no neuron fires, or all fire at time 0, there is no latest spike by which to scale the axis."""
    seen = {"sn1": times, "sn2": [None, *times]}
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, layers={"spike_raster": {"correct": seen}}))
    (plot,) = drawn(raster.draw)
    assert plot.name == "spike_raster"
    assert size(plot.png) == (960, 570)

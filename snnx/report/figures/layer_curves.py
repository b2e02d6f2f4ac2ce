"""Metrics layer by layer: the mean of each layer, and residual potentials at every time step."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from snnx.options.sweepfile import SweepFile
from snnx.report.data.lines import Line, scales
from snnx.report.data.series import Series, layer_positions, layer_series, shows_samples
from snnx.report.figures.axes import Plot, band_line, label_lines, panels
from snnx.report.figures.learning_curves import mean_and_range
from snnx.report.tables.by_layer import is_per_layer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMED = 12  # an axis has room for the names of this many layers
LONE = "(T = 1)"
"""Marks a row with one time step among rows with several: its values are not comparable with their means over time."""


def draw(sweep: SweepFile, lines: Sequence[Line]) -> list[Plot]:
    """Draw one plot per recorded metric.

    The plot has the mean of each layer. Residual potentials get a second plot with every time step. A metric of a single
    layer, such as the input, is drawn over time instead.
    """
    plots = []
    for metric in dict.fromkeys(name for line in lines for run in line.done for name in run.result.get("layers") or {}):
        if not is_per_layer(metric):  # other modules draw these
            continue
        series = layer_series(lines, metric)
        if metric.endswith("_by_iteration"):
            plots.append(_iterations(sweep, series, metric))
            continue
        if all(probed.size == 1 for entry in series for probed in entry.seeds):  # a single number, which the tables show
            continue
        if all(len(probed) == 1 for entry in series for probed in entry.seeds):  # a single layer: draw it over time
            plots.append(_time(sweep, series, metric))
            continue
        plots.append(_means(sweep, series, metric))
        if metric.startswith("residual_potential"):
            plots.append(_steps(sweep, series, metric))
    return plots


def _means(sweep: SweepFile, series: Sequence[Series], metric: str) -> Plot:
    series = [entry for entry in series if entry.layers != ("all",)] or list(series)  # "all" is not a layer with a position
    at = layer_positions(series)
    figure, axes = _panels(
        sweep,
        series,
        metric,
        lambda probed: np.ma.masked_invalid(probed).mean(axis=1).filled(np.nan),
        lambda entry, _: at[entry.layers],
    )
    longest = max(at, key=len)
    if axes[0].get_ylim()[1] >= 10_000:
        from matplotlib.ticker import EngFormatter

        if _decades(axes) > 3:  # on a linear axis, all networks but the largest would be drawn at the bottom
            for axis in axes:
                axis.set_yscale("log")
        axes[0].yaxis.set_major_formatter(EngFormatter(sep=""))  # write 25M, not 2.5 with 1e7 above the axis
    named = all(set(names) <= set(longest) for names in at)
    for axis in axes:
        axis.xaxis.get_major_locator().set_params(integer=True)
        if named and len(longest) <= NAMED:
            axis.set_xticks(range(1, 1 + len(longest)), longest, rotation=30, ha="right", fontsize=8)
        else:
            axis.set_xlabel("layer")
    caption = f"{metric} by layer, averaged over time steps: mean over seeds, band from the lowest to the highest seed"
    if len({entry.timesteps for entry in series}) > 1 and any(entry.timesteps == 1 for entry in series):
        caption += f"; {LONE}: counted over a single time step, or for spike times over the layer's whole time window"
    return Plot(f"layers_{metric}", caption, figure, shows_samples(series))


def _iterations(sweep: SweepFile, series: Sequence[Series], metric: str) -> Plot:
    figure, axes = _panels(sweep, series, metric, lambda probed: probed.mean(axis=0), _batches)
    for axis in axes:
        axis.set_ylim(bottom=0)
        axis.set_xlabel("training batch")
    caption = f"{metric}, averaged over layers: mean over seeds, band from the lowest to the highest seed"
    return Plot(f"iterations_{metric}", caption, figure, shows_samples(series))


def _time(sweep: SweepFile, series: Sequence[Series], metric: str) -> Plot:
    figure, axes = _panels(sweep, series, metric, np.ravel, _steps_from_0)
    for axis in axes:
        axis.set_ylim(bottom=0)
        axis.set_xlabel("time step t")
    caption = f"{metric} at each time step: mean over seeds, band from the lowest to the highest seed"
    return Plot(f"steps_{metric}", caption, figure, shows_samples(series))


def _steps(sweep: SweepFile, series: Sequence[Series], metric: str) -> Plot:
    """Draw the layers one after another, at the global step g = (l - 1) T + t for layers l = 1..L and steps t = 0..T-1."""
    figure, axes = _panels(sweep, series, metric, np.ravel, _steps_from_0, width=8.0)
    layers, timesteps = max(probed.shape for entry in series for probed in entry.seeds)
    for axis in axes:
        for layer in range(layers):
            if layer:
                axis.axvline(layer * timesteps - 0.5, color="#999999", linewidth=0.7)
            axis.text(
                (layer + 0.5) * timesteps - 0.5, 1.0, f"layer {layer + 1}", transform=axis.get_xaxis_transform(),
                fontsize=8, color="#555555", ha="center", va="top",
            )  # fmt: skip
        axis.margins(x=0.01)
        axis.set_xlabel(f"global step g = (l - 1) T + t, T = {timesteps}")
    caption = f"{metric} at each time step, layer after layer: mean over seeds, band from the lowest to the highest seed"
    return Plot(f"steps_{metric}", caption, figure, shows_samples(series))


def _decades(axes: Sequence["Axes"]) -> float:
    """How many powers of ten lie between the smallest and the largest positive value that is drawn."""
    drawn = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for axis in axes for line in axis.get_lines()])
    found = np.log10(drawn[drawn > 0])
    return float(np.ptp(found)) if len(found) else 0.0


def _batches(_: Series, count: int) -> Sequence[int]:
    return range(1, 1 + count)


def _steps_from_0(_: Series, count: int) -> Sequence[int]:
    return range(count)


def _broken(x: Sequence[int], band: tuple[np.ndarray, ...]) -> tuple[Sequence[int], tuple[np.ndarray, ...]]:
    """Insert NaN at the positions of layers that a network does not have, so that no line is drawn across them."""
    every = range(x[0], x[-1] + 1)
    if len(every) == len(x):
        return x, band
    filled = tuple(np.full(len(every), np.nan) for _ in band)
    for whole, part in zip(filled, band, strict=True):
        whole[np.asarray(x) - x[0]] = part
    return every, filled


def _panels(
    sweep: SweepFile,
    series: Sequence[Series],
    metric: str,
    flat: Callable[[np.ndarray], np.ndarray],
    at: Callable[[Series, int], Sequence[int]],
    width: float = 4.8,
) -> tuple["Figure", list["Axes"]]:
    """Draw a panel for each scale, in it a line for each series.

    Args:
        flat: reduces a seed's array [L, T] to one dimension.
        at: returns the horizontal positions of a series, given how many values it has.
    """
    same_length = len({entry.timesteps for entry in series}) == 1
    shown = scales(series)
    title = f"{sweep.artifact}, {series[0].title}"
    gap = ",\n" if max(map(len, shown)) > 12 else ", "  # a scale with overrides does not fit on the same line
    figure, axes = panels([f"{title}{gap}scale {scale}" for scale in shown], width=width)
    for axis, scale in zip(axes, shown, strict=True):
        for entry in (entry for entry in series if entry.scale == scale):
            band = mean_and_range([flat(probed) for probed in entry.seeds])
            label = entry.label if same_length or entry.timesteps > 1 else f"{entry.label} {LONE}"
            band_line(axis, *_broken(at(entry, len(band[0])), band), entry.style, label)
    axes[0].set_ylabel(metric.replace("_", " "))
    for axis in axes:
        label_lines(axis)
    return figure, axes

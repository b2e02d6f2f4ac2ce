"""What probes saw layer by layer: means per layer, and residual potentials along the layers' time steps."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from snnx.options.sweepfile import SweepFile
from snnx.report.data.lines import Line, scales
from snnx.report.data.series import Series, chosen, places
from snnx.report.figures.axes import Plot, band_line, name_lines, panels, png
from snnx.report.figures.learning_curves import mean_and_range
from snnx.report.tables.by_layer import of_layers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMED = 12  # layers that an axis has room to name
LONE = "(T = 1)"
"""Beside a row with one time step among rows with several, whose means over steps are of another size."""


def draw(sweep: SweepFile, lines: Sequence[Line]) -> list[Plot]:
    """For each probed metric a plot of its layer means; for residual potentials and for a lone layer, of every time step."""
    plots = []
    for metric in dict.fromkeys(name for line in lines for run in line.done for name in run.result.get("layers") or {}):
        if not of_layers(metric):  # which have figures of their own
            continue
        series = chosen(lines, metric)
        if metric.endswith("_by_iteration"):
            plots.append(_iterations(sweep, series, metric))
            continue
        if all(probed.size == 1 for one in series for probed in one.seeds):  # a number, which the tables have
            continue
        if all(len(probed) == 1 for one in series for probed in one.seeds):  # the input: a mean over its steps says little
            plots.append(_time(sweep, series, metric))
            continue
        plots.append(_means(sweep, series, metric))
        if metric.startswith("residual_potential"):
            plots.append(_steps(sweep, series, metric))
    return plots


def _means(sweep: SweepFile, series: Sequence[Series], metric: str) -> Plot:
    series = [one for one in series if one.layers != ("all",)] or list(series)  # of a row without such layers: nothing to place
    at = places(series)
    figure, axes = _panels(
        sweep,
        series,
        metric,
        lambda probed: np.ma.masked_invalid(probed).mean(axis=1).filled(np.nan),
        lambda one, _: at[one.layers],
    )
    longest = max(at, key=len)
    if axes[0].get_ylim()[1] >= 10_000:
        from matplotlib.ticker import EngFormatter

        if _decades(axes) > 3:  # on a linear axis all but the largest network would lie at the bottom
            for axis in axes:
                axis.set_yscale("log")
        axes[0].yaxis.set_major_formatter(EngFormatter(sep=""))  # 25M rather than 2.5 below 1e7
    named = all(set(names) <= set(longest) for names in at)
    for axis in axes:
        axis.xaxis.get_major_locator().set_params(integer=True)
        if named and len(longest) <= NAMED:
            axis.set_xticks(range(1, 1 + len(longest)), longest, rotation=30, ha="right", fontsize=8)
        else:
            axis.set_xlabel("layer")
    caption = f"{metric} by layer, mean over time steps; over seeds the mean, band from the lowest to the highest"
    if len({one.timesteps for one in series}) > 1 and any(one.timesteps == 1 for one in series):
        caption += f"; {LONE}: over its one time step, or of spike times over the layer's whole window"
    return Plot(f"layers_{metric}", caption, png(figure))


def _iterations(sweep: SweepFile, series: Sequence[Series], metric: str) -> Plot:
    figure, axes = _panels(sweep, series, metric, lambda probed: probed.mean(axis=0), _batches)
    for axis in axes:
        axis.set_ylim(bottom=0)
        axis.set_xlabel("training batch")
    caption = f"{metric}, mean over layers; over seeds the mean, band from the lowest to the highest"
    return Plot(f"iterations_{metric}", caption, png(figure))


def _time(sweep: SweepFile, series: Sequence[Series], metric: str) -> Plot:
    figure, axes = _panels(sweep, series, metric, np.ravel, _steps_from_0)
    for axis in axes:
        axis.set_ylim(bottom=0)
        axis.set_xlabel("time step t")
    caption = f"{metric} at each time step; over seeds the mean, band from the lowest to the highest"
    return Plot(f"steps_{metric}", caption, png(figure))


def _steps(sweep: SweepFile, series: Sequence[Series], metric: str) -> Plot:
    """One layer after another: step g = (l - 1) T + t for layers l = 1..L and time steps t = 0..T-1."""
    figure, axes = _panels(sweep, series, metric, np.ravel, _steps_from_0, width=8.0)
    layers, timesteps = max(probed.shape for one in series for probed in one.seeds)
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
    caption = f"{metric} along the time steps, one layer after another; mean over seeds, band from lowest to highest"
    return Plot(f"steps_{metric}", caption, png(figure))


def _decades(axes: Sequence["Axes"]) -> float:
    """How many powers of ten lie between the smallest and the largest value that is drawn and not 0."""
    drawn = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for axis in axes for line in axis.get_lines()])
    found = np.log10(drawn[drawn > 0])
    return float(np.ptp(found)) if len(found) else 0.0


def _batches(_: Series, count: int) -> Sequence[int]:
    return range(1, 1 + count)


def _steps_from_0(_: Series, count: int) -> Sequence[int]:
    return range(count)


def _broken(x: Sequence[int], band: tuple[np.ndarray, ...]) -> tuple[Sequence[int], tuple[np.ndarray, ...]]:
    """With a hole where places are passed over: no line leads across layers that a network does not have."""
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
    """A panel a scale, a line a series: what `flat` makes of [L, T], at the places that `at` gives for so many values."""
    alike = len({one.timesteps for one in series}) == 1
    where = scales(series)
    title = f"{sweep.artifact}, {series[0].title}"
    gap = ",\n" if max(map(len, where)) > 12 else ", "  # a scale with overrides would run out of its panel
    figure, axes = panels([f"{title}{gap}scale {place}" for place in where], width=width)
    for axis, place in zip(axes, where, strict=True):
        for one in (one for one in series if one.scale == place):
            band = mean_and_range([flat(probed) for probed in one.seeds])
            label = one.label if alike or one.timesteps > 1 else f"{one.label} {LONE}"
            band_line(axis, *_broken(at(one, len(band[0])), band), one.style, label)
    axes[0].set_ylabel(metric.replace("_", " "))
    for axis in axes:
        name_lines(axis)
    return figure, axes

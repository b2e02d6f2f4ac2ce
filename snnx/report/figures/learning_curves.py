"""Learning curves, or bars of the final values if no curve was recorded."""

from collections.abc import Sequence

import numpy as np

from snnx.options.sweepfile import SweepFile
from snnx.options.unit import factor, with_unit
from snnx.report.data.format import mean_std, spread
from snnx.report.data.lines import Line, scales
from snnx.report.figures.axes import Plot, band_line, label_lines, panels, styles


def draw(sweep: SweepFile, lines: Sequence[Line]) -> list[Plot]:
    """Draw the curves of the sweep's metric or else of val/acc; if neither was recorded, draw the final values as bars."""
    for metric in dict.fromkeys([sweep.metric, "val/acc"]):
        if any(_histories(line, metric) for line in lines):
            return [_curves(sweep, lines, metric)]
    return [_bars(sweep, lines)] if any(line.values(sweep.metric) for line in lines) else []


def mean_and_range(histories: Sequence[Sequence[float | None]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, minimum and maximum over seeds at each position, over the seeds that have a finite value there.

    Shape: n sequences of different lengths -> three arrays as long as the longest; NaN where no seed has a finite value.

    Example:
        >>> [end.tolist() for end in mean_and_range([[1.0, 2.0], [3.0, None]])]
        [[2.0, 2.0], [1.0, 2.0], [3.0, 2.0]]
    """
    longest = max(len(history) for history in histories)
    table = np.full((len(histories), longest), np.nan)
    for row, history in zip(table, histories, strict=True):
        row[: len(history)] = np.array(history, dtype=float)  # None becomes NaN
    seen = np.ma.masked_invalid(table)
    return tuple(np.ma.filled(part, np.nan) for part in (seen.mean(axis=0), seen.min(axis=0), seen.max(axis=0)))


def _histories(line: Line, metric: str) -> list[list[float | None]]:
    found = ((run.result.get("curves") or {}).get(metric) for run in line.done)
    return [history for history in found if history]


def _curves(sweep: SweepFile, lines: Sequence[Line], metric: str) -> Plot:
    times, style = factor(sweep.unit, metric), styles([line.label for line in lines])
    shown = [line for line in lines if _histories(line, metric)]
    shown_scales = scales(shown)
    figure, axes = panels([f"{sweep.artifact}, scale {scale}" for scale in shown_scales])
    for axis, scale in zip(axes, shown_scales, strict=True):
        for line in (line for line in shown if line.scale == scale):
            band = tuple(times * part for part in mean_and_range(_histories(line, metric)))
            band_line(axis, range(1, len(band[0]) + 1), band, style[line.label], line.label)
        axis.set_xlabel("epoch")
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylabel(with_unit(sweep.unit, metric))
    for axis in axes:
        label_lines(axis)
    return Plot("curves", f"{metric} by epoch: mean over seeds, band from the lowest to the highest seed", figure)


def _bars(sweep: SweepFile, lines: Sequence[Line]) -> Plot:
    metric, times = sweep.metric, factor(sweep.unit, sweep.metric)
    reported = {row.label: row.reported.get(metric) for row in sweep.rows}
    shown = [line for line in lines if line.values(metric)]
    labels, shown_scales = list(dict.fromkeys(line.label for line in shown)), scales(shown)
    style = styles([line.label for line in lines])
    figure, axes = panels([f"{sweep.artifact}, scale {scale}" for scale in shown_scales], height=1.4 + 0.36 * len(labels))
    for axis, scale in zip(axes, shown_scales, strict=True):
        for line in (line for line in shown if line.scale == scale):
            seeds = [times * value for value in line.values(metric).values()]
            mean, std = mean_std(seeds)
            height = labels.index(line.label)
            axis.barh(height, mean, height=0.6, color=style[line.label][0], alpha=0.85)
            axis.errorbar(mean, height, xerr=std, color="#222222", linewidth=1.2)
            if len(seeds) > 1:
                axis.plot(
                    seeds,
                    [height] * len(seeds),
                    marker="o",
                    markersize=3,
                    color="white",
                    markeredgecolor="#222222",
                    linestyle="",
                )
            if reported.get(line.row) is not None:
                axis.plot(reported[line.row], height, marker="D", markersize=5, color="white", markeredgecolor="#222222")
            end = max(mean + (std or 0), reported.get(line.row) or 0)
            axis.annotate(
                spread(mean, std), (end, height), xytext=(7, 0), textcoords="offset points", va="center", fontsize=8,
            )  # fmt: skip
        axis.set_xlabel(with_unit(sweep.unit, metric))
        axis.set_yticks(range(len(labels)), labels)
        axis.margins(x=0.28)  # space for the numbers beside the bars
        axis.grid(visible=False, axis="y")
    right = max(axis.get_xlim()[1] for axis in axes)
    for axis in axes:
        axis.set_xlim(right=right)
    axes[0].invert_yaxis()
    caption = (
        f"{metric} at the end of the run: mean and sample standard deviation over seeds; dot: one seed; "
        "diamond: the paper's number"
    )
    return Plot("bars", caption, figure)

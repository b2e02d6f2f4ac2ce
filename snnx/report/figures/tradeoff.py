"""Accuracy over its cost, in time steps and in energy, with the Pareto front."""

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from snnx.options.sweepfile import SweepFile
from snnx.options.unit import factor, with_unit
from snnx.report.data.lines import Line, scales
from snnx.report.figures.axes import Plot, make_room, panels, styles
from snnx.report.figures.learning_curves import mean_and_range
from snnx.report.figures.over_steps import curves_by_seed
from snnx.report.tables.costs import ACCURACY, ENERGY, LATENCY, SYNOPS, first_metric, with_cost

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]  # cost, and accuracy as a fraction
MARKERS = {"-": "o", "--": "^", ":": "D", "-.": "v"}
EARLY_EXIT = ("test/anytime_running_latency_steps", "test/anytime_exit_acc")


class Tradeoff(NamedTuple):
    """Cost and accuracy of one line of the table."""

    line: Line
    end: Point | None  # after all time steps
    curve: list[Point]  # stopped after each time step
    early_exit: Point | None  # mean step and accuracy if each sample stops once the network is confident
    spiking: bool  # False for a network without spikes


def draw(sweep: SweepFile, lines: Sequence[Line], compared: Sequence[Line] = ()) -> list[Plot]:
    """Draw accuracy over latency and accuracy over energy, for the lines that have these numbers.

    Args:
        sweep: the sweep.
        lines: the lines that are drawn.
        compared: further lines that count for the Pareto front; those that are drawn too count once.
    """
    plots, style = [], styles([line.label for line in lines])
    for name, x, trace in (
        ("latency", "latency (time steps)", _by_latency),
        ("energy", "energy per sample (µJ, 45 nm)", _by_energy),
    ):
        rows = [trace(line) for line in with_cost(lines)]
        if any(row.end for row in rows):
            others = [trace(line) for line in with_cost(compared)]
            plots.append(_plot(sweep, rows, [*rows, *others], style, name, x))
    return plots


def front(points: Iterable[Point]) -> list[Point]:
    """The Pareto front: the points for which no other is at most as costly and at least as accurate, cheapest first.

    Example:
        >>> front([(1.0, 0.5), (2.0, 0.4), (3.0, 0.9), (3.0, 0.8)])
        [(1.0, 0.5), (3.0, 0.9)]
    """
    kept: list[Point] = []
    for cost, accuracy in sorted(points, key=lambda point: (point[0], -point[1])):
        if not kept or accuracy > kept[-1][1]:
            kept.append((cost, accuracy))
    return kept


def _curve(line: Line, curve: str) -> list[float]:
    """The mean over seeds at each recorded step; empty if the line has no such curve."""
    found = curves_by_seed(line, curve)
    return mean_and_range([values for _, values in found])[0].tolist() if found else []


def _has_spikes(line: Line) -> bool:
    return bool(first_metric(line, SYNOPS)[0]) or not first_metric(line, ENERGY)[0]


def _by_latency(line: Line) -> Tradeoff:
    """Accuracy over time steps; a network without spikes has no time steps and is drawn as a horizontal line."""
    accuracy = fmean(line.values(ACCURACY).values())
    steps = max((steps for steps, _ in curves_by_seed(line, "acc")), key=len, default=[])
    curve = list(zip(steps, _curve(line, "acc"), strict=True))
    cost, exits = (list(line.values(metric).values()) for metric in EARLY_EXIT)
    early_exit = (fmean(cost), fmean(exits)) if cost and exits else None
    latency = first_metric(line, LATENCY)[1]
    end = curve[-1] if curve else (fmean(latency), accuracy) if latency else None
    if not _has_spikes(line):
        return Tradeoff(line, (1.0, accuracy), [], None, False)
    return Tradeoff(line, end, curve, early_exit, True)


def _by_energy(line: Line) -> Tradeoff:
    energies = first_metric(line, ENERGY)[1]
    curve = list(zip(_curve(line, "energy_uj"), _curve(line, "acc"), strict=True))
    end = (fmean(energies), fmean(line.values(ACCURACY).values())) if energies else None
    return Tradeoff(line, end, curve if _has_spikes(line) else [], None, _has_spikes(line))


def _plot(
    sweep: SweepFile,
    rows: Sequence[Tradeoff],
    compared: Sequence[Tradeoff],
    style: dict[str, tuple[str, str]],
    name: str,
    x: str,
) -> Plot:
    times = factor(sweep.unit, ACCURACY)
    shown = scales(row.line for row in rows)
    figure, axes = panels([f"{sweep.artifact}, scale {scale}" for scale in shown], width=7.0, height=4.4)
    for axis, scale in zip(axes, shown, strict=True):
        here = [row for row in rows if row.line.scale == scale and row.end]
        for row in here:
            colour, dash = style[row.line.label]
            if _is_level(row, name):
                axis.axhline(times * row.end[1], color=colour, linestyle=":", linewidth=1.2, label=row.line.label)
                continue
            marker = MARKERS[dash] if row.spiking else "s"
            axis.plot(*_scaled(row.curve, times), color=colour, linestyle=dash, linewidth=1.2, alpha=0.7)
            axis.plot(*_scaled([row.end], times), color=colour, linestyle=dash, marker=marker, label=row.line.label)
            seeds = [(row.end[0], accuracy) for accuracy in row.line.values(ACCURACY).values()]
            axis.plot(*_scaled(seeds, times), color=colour, marker=".", markersize=4, linestyle="")
            if row.early_exit and row.early_exit != row.end:  # if they are equal, the hollow marker would hide the filled one
                axis.plot(*_scaled([row.early_exit], times), color=colour, marker=marker, markerfacecolor="white", linestyle="")
        rivals = [row for row in compared if row.line.scale == scale and row.end and not _is_level(row, name)]
        points = [point for row in rivals for point in (*row.curve, row.early_exit, row.end) if point]
        best = front(point for point in points if point[0] > 0)
        axis.step(*_scaled(best, times), where="post", color="#999999", linewidth=4, alpha=0.35, zorder=0, label="front")
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_xlabel(x)
        if here:
            _crop_first_steps(axis, [times * row.end[1] for row in here], max((times * y for _, y in best), default=0.0))
    axes[0].set_ylabel(with_unit(sweep.unit, ACCURACY))
    named = {text: handle for axis in axes for handle, text in zip(*axis.get_legend_handles_labels(), strict=True)}
    make_room(figure, len(named))
    figure.legend(named.values(), named.keys(), loc="outside right upper", fontsize=8, frameon=False)
    if name == "latency":
        further = "hollow marker: early exit, at the mean step; dotted: a network without spikes"
    else:
        further = "square: a network without spikes"
    of_all = " of all rows" if len({row.line.label for row in compared}) > len({row.line.label for row in rows}) else ""
    caption = (
        f"{ACCURACY} over {x}, means over seeds; filled marker: after all time steps, dots: its seeds; "
        f"line: stopped after each time step; {further}; grey: the Pareto front{of_all}"
    )
    return Plot(f"{name}_accuracy", caption, figure)


def _is_level(row: Tradeoff, name: str) -> bool:
    """Whether a row is drawn as a horizontal line: a network without spikes has no latency."""
    return name == "latency" and not row.spiking


def _scaled(points: Sequence[Point], times: float) -> tuple[list[float], list[float]]:
    return [cost for cost, _ in points], [times * accuracy for _, accuracy in points]


def _crop_first_steps(axis: "Axes", ends: Sequence[float], top: float) -> None:
    """Cut off the first steps of long curves, which lie far below all final accuracies, so that these are legible."""
    low, high = min(ends), max(*ends, top)
    room = max(0.5 * (high - low), 0.005 * high)
    axis.set_ylim(max(0.0, low - room), high + 0.2 * room)

"""Accuracy over what it takes: over time and over energy, with the front of what no other point beats in both."""

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from snnx.options.sweepfile import SweepFile
from snnx.options.unit import factor, titled
from snnx.report.data.lines import Line, scales
from snnx.report.figures.anytime import seeds
from snnx.report.figures.axes import Plot, panels, png, styles
from snnx.report.figures.learning_curves import mean_and_range
from snnx.report.tables.costs import ACCURACY, ENERGY, LATENCY, SYNOPS, compared, first

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]  # what it takes, accuracy as a fraction
MARKERS = {"-": "o", "--": "^", ":": "D", "-.": "v"}
LEAVING = ("test/anytime_running_latency_steps", "test/anytime_exit_acc")


class Course(NamedTuple):
    """What a line of the table can do: whole, stopped early, and left early; and whether it has spikes at all."""

    line: Line
    end: Point | None
    curve: list[Point]
    left: Point | None
    spiking: bool


def draw(sweep: SweepFile, lines: Sequence[Line]) -> list[Plot]:
    """Accuracy over latency and over energy, where lines have both."""
    plots, style = [], styles([line.label for line in lines])
    for name, x, trace in (
        ("latency", "latency (time steps)", _by_latency),
        ("energy", "energy a sample (µJ, 45 nm)", _by_energy),
    ):
        courses = [trace(line) for line in compared(lines)]
        if any(course.end for course in courses):
            plots.append(_plot(sweep, courses, style, name, x))
    return plots


def front(points: Iterable[Point]) -> list[Point]:
    """The points that no other one beats or equals in both, cheapest first.

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
    """The mean over seeds at each step that is kept; empty without."""
    found = seeds(line, curve)
    return mean_and_range([values for _, values in found])[0].tolist() if found else []


def _has_spikes(line: Line) -> bool:
    return bool(first(line, SYNOPS)[0]) or not first(line, ENERGY)[0]


def _by_latency(line: Line) -> Course:
    """A network without spikes takes no time steps: its accuracy is a level."""
    accuracy = fmean(line.values(ACCURACY).values())
    steps = max((steps for steps, _ in seeds(line, "acc")), key=len, default=[])
    curve = list(zip(steps, _curve(line, "acc"), strict=True))
    cost, exits = (list(line.values(metric).values()) for metric in LEAVING)
    left = (fmean(cost), fmean(exits)) if cost and exits else None
    stated = first(line, LATENCY)[1]
    end = curve[-1] if curve else (fmean(stated), accuracy) if stated else None
    if not _has_spikes(line):
        return Course(line, (1.0, accuracy), [], None, False)
    return Course(line, end, curve, left, True)


def _by_energy(line: Line) -> Course:
    energies = first(line, ENERGY)[1]
    curve = list(zip(_curve(line, "energy_uj"), _curve(line, "acc"), strict=True))
    end = (fmean(energies), fmean(line.values(ACCURACY).values())) if energies else None
    return Course(line, end, curve if _has_spikes(line) else [], None, _has_spikes(line))


def _plot(sweep: SweepFile, courses: Sequence[Course], style: dict[str, tuple[str, str]], name: str, x: str) -> Plot:
    times = factor(sweep.unit, ACCURACY)
    places = scales(course.line for course in courses)
    figure, axes = panels([f"{sweep.artifact}, scale {place}" for place in places], width=7.0, height=4.4)
    for axis, place in zip(axes, places, strict=True):
        here = [course for course in courses if course.line.scale == place and course.end]
        levels = [course for course in here if not course.spiking and name == "latency"]
        for course in here:
            colour, dash = style[course.line.label]
            if course in levels:
                axis.axhline(times * course.end[1], color=colour, linestyle=":", linewidth=1.2, label=course.line.label)
                continue
            marker = MARKERS[dash] if course.spiking else "s"
            axis.plot(*_scaled(course.curve, times), color=colour, linestyle=dash, linewidth=1.2, alpha=0.7)
            axis.plot(*_scaled([course.end], times), color=colour, linestyle=dash, marker=marker, label=course.line.label)
            if course.left and course.left != course.end:  # else nobody left, and the hollow marker would hide the filled one
                axis.plot(*_scaled([course.left], times), color=colour, marker=marker, markerfacecolor="white", linestyle="")
        points = [
            point for course in here if course not in levels for point in (*course.curve, course.left, course.end) if point
        ]
        best = front(point for point in points if point[0] > 0)
        axis.step(*_scaled(best, times), where="post", color="#999999", linewidth=4, alpha=0.35, zorder=0, label="front")
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_xlabel(x)
        if here:
            _above(axis, [times * course.end[1] for course in here], max((times * y for _, y in best), default=0.0))
    axes[0].set_ylabel(titled(sweep.unit, ACCURACY))
    named = {text: handle for axis in axes for handle, text in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(named.values(), named.keys(), loc="outside right upper", fontsize=8, frameon=False)
    level = ", dotted: a network without spikes" if name == "latency" else ", square: a network without spikes"
    left = "; hollow: left when sure, mean step" if name == "latency" else ""
    caption = f"{ACCURACY} over {x}; filled: the whole run, line: stopped after each step{left}{level}; grey: the Pareto front"
    return Plot(f"{name}_accuracy", f"{caption}; means over seeds", png(figure))


def _scaled(points: Sequence[Point], times: float) -> tuple[list[float], list[float]]:
    return [cost for cost, _ in points], [times * accuracy for _, accuracy in points]


def _above(axis: "Axes", ends: Sequence[float], top: float) -> None:
    """Leave out the first steps of long curves, far below where every row ends: the rows shall be told apart."""
    low, high = min(ends), max(*ends, top)
    room = max(0.5 * (high - low), 0.005 * high)
    axis.set_ylim(max(0.0, low - room), high + 0.2 * room)

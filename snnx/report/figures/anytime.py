"""Curves over the steps of a run: what every network says and spends when it is stopped after t steps."""

from collections.abc import Sequence

from snnx.options.sweepfile import SweepFile
from snnx.options.unit import factor, titled
from snnx.report.data.lines import Line, scales
from snnx.report.figures.axes import Plot, band_line, name_lines, panels, png, styles
from snnx.report.figures.learning_curves import mean_and_range
from snnx.report.tables.table import mean_std

PREFIX = "anytime_"
"""Of curves that `AnyTime` records; their common axis is the curve `anytime_step`."""
DRAWN = {"acc": "test/acc", "synops": "synaptic operations a sample", "energy_uj": "energy a sample (µJ)"}
WITHOUT_STEPS = "test/ann_acc"  # of a row's own network without spikes, where it has one


def draw(sweep: SweepFile, lines: Sequence[Line]) -> list[Plot]:
    """Accuracy, operations and energy over t: a line a row that ends in a point; its network without spikes is dashed."""
    shown, style = [line for line in lines if seeds(line, "acc")], styles([line.label for line in lines])
    return [_over_steps(sweep, shown, style, curve) for curve in DRAWN if any(seeds(line, curve) for line in shown)]


def seeds(line: Line, curve: str) -> list[tuple[list[float], list[float]]]:
    """The steps and the values at them, for each seed of a line that has them."""
    kept = [run.result.get("layers") or {} for run in line.done]
    return [
        tuple(next(iter(layers[PREFIX + name]["test"].values())) for name in ("step", curve))
        for layers in kept
        if PREFIX + curve in layers
    ]


def _over_steps(sweep: SweepFile, lines: Sequence[Line], style: dict[str, tuple[str, str]], curve: str) -> Plot:
    times = factor(sweep.unit, DRAWN[curve]) if curve == "acc" else 1.0
    places = scales(lines)
    figure, axes = panels([f"{sweep.artifact}, scale {place}" for place in places], width=5.6)
    for axis, place in zip(axes, places, strict=True):
        for line in (line for line in lines if line.scale == place and seeds(line, curve)):
            found = seeds(line, curve)
            steps = max((steps for steps, _ in found), key=len)
            band = tuple(times * part for part in mean_and_range([values for _, values in found]))
            band_line(axis, steps, band, style[line.label], line.label)
            axis.plot(steps[-1], band[0][-1], marker="o", markersize=5, color=style[line.label][0])
            if curve == "acc" and (without := list(line.values(WITHOUT_STEPS).values())):
                axis.axhline(times * mean_std(without)[0], color=style[line.label][0], linestyle="--", linewidth=0.9)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_xlabel("time step t")
    if curve == "acc":
        axes[0].set_ylabel(titled(sweep.unit, DRAWN[curve]))
    else:
        if any(value > 0 for line in lines for _, values in seeds(line, curve) for value in values):
            axes[0].set_yscale("log", nonpositive="mask")
        axes[0].set_ylabel(DRAWN[curve])
    for axis in axes:
        if curve == "acc":
            name_lines(axis)
        else:
            axis.legend(fontsize=8, frameon=False)  # beside their ends, names are placed for a linear axis
    dashed = ", dashed: the row's network without spikes" if curve == "acc" else ""
    caption = f"{DRAWN[curve]} by time step; over seeds the mean, band from the lowest to the highest{dashed}"
    return Plot(PREFIX + curve, caption, png(figure))

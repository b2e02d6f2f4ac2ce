"""Accuracy, synaptic operations and energy of each network if it is stopped after t time steps."""

from collections.abc import Sequence

from snnx.options.sweepfile import SweepFile
from snnx.options.unit import factor, with_unit
from snnx.report.data.format import mean_std
from snnx.report.data.lines import Line, scales
from snnx.report.figures.axes import Plot, band_line, label_lines, panels, styles
from snnx.report.figures.learning_curves import mean_and_range

PREFIX = "anytime_"
"""Names of the curves that `AnyTime` records start with this; the curve `anytime_step` is their horizontal axis."""
DRAWN = {"acc": "test/acc", "synops": "synaptic operations per sample", "energy_uj": "energy per sample (µJ)"}
ANN_ACCURACY = "test/ann_acc"  # accuracy of the ReLU network that a row was converted from


def draw(sweep: SweepFile, lines: Sequence[Line]) -> list[Plot]:
    """Draw accuracy, operations and energy over t, one line per row; a dashed line is the row's network without spikes."""
    shown, style = [line for line in lines if curves_by_seed(line, "acc")], styles([line.label for line in lines])
    return [_over_steps(sweep, shown, style, curve) for curve in DRAWN if any(curves_by_seed(line, curve) for line in shown)]


def curves_by_seed(line: Line, curve: str) -> list[tuple[list[float], list[float]]]:
    """For each seed that recorded a curve, its time steps and its values at these steps.

    Args:
        line: a line of the table.
        curve: name of the curve without its prefix, such as `acc`.
    """
    kept = [run.result.get("layers") or {} for run in line.done]
    tables = [[layers.get(PREFIX + name, {}).get("test") for name in ("step", curve)] for layers in kept]
    found = [tuple(next(iter(table.values())) for table in pair) for pair in tables if all(pair)]
    return [(steps, values) for steps, values in found if len(steps) == len(values)]


def _over_steps(sweep: SweepFile, lines: Sequence[Line], style: dict[str, tuple[str, str]], curve: str) -> Plot:
    times = factor(sweep.unit, DRAWN[curve]) if curve == "acc" else 1.0
    shown = scales(lines)
    figure, axes = panels([f"{sweep.artifact}, scale {scale}" for scale in shown], width=5.6)
    for axis, scale in zip(axes, shown, strict=True):
        for line in (line for line in lines if line.scale == scale and curves_by_seed(line, curve)):
            found = curves_by_seed(line, curve)
            steps = max((steps for steps, _ in found), key=len)
            band = tuple(times * part for part in mean_and_range([values for _, values in found]))
            band_line(axis, steps, band, style[line.label], line.label)
            axis.plot(steps[-1], band[0][-1], marker="o", markersize=5, color=style[line.label][0])
            if curve == "acc" and (without := list(line.values(ANN_ACCURACY).values())):
                axis.axhline(times * mean_std(without)[0], color=style[line.label][0], linestyle="--", linewidth=0.9)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_xlabel("time step t")
    if curve == "acc":
        axes[0].set_ylabel(with_unit(sweep.unit, DRAWN[curve]))
    else:
        if any(value > 0 for line in lines for _, values in curves_by_seed(line, curve) for value in values):
            axes[0].set_yscale("log", nonpositive="mask")
        axes[0].set_ylabel(DRAWN[curve])
    for axis in axes:
        if curve == "acc":
            label_lines(axis)
        else:
            axis.legend(fontsize=8, frameon=False)  # label_lines spaces labels for a linear axis only
    dashed = "; dashed: accuracy of the row's network without spikes" if curve == "acc" else ""
    caption = f"{DRAWN[curve]} by time step: mean over seeds, band from the lowest to the highest seed{dashed}"
    return Plot(PREFIX + curve, caption, figure)

"""What the rows of a sweep have spent after each time step, in one picture: accuracy, spikes and energy."""

from collections.abc import Sequence

from snnx.options.sweepfile import SweepFile
from snnx.options.unit import factor, with_unit
from snnx.report.data.lines import Line, scales
from snnx.report.figures.axes import Plot, band_line, legend_below, panels, styles
from snnx.report.figures.learning_curves import mean_and_range
from snnx.report.figures.over_steps import curves_by_seed

ACCURACY = "test/acc"
DRAWN = {"acc": ACCURACY, "spikes": "spikes per sample", "energy_uj": "energy per sample (µJ)"}


def draw(sweep: SweepFile, lines: Sequence[Line]) -> list[Plot]:
    """Draw three panels side by side, one line per row, for each scale; only for a sweep that names a reference row."""
    if sweep.reference is None:
        return []
    shown, style = [line for line in lines if curves_by_seed(line, "spikes")], styles([line.label for line in lines])
    several = len(scales(shown)) > 1
    return [
        _panels(sweep, [line for line in shown if line.scale == scale], style, f"together_{scale}" if several else "together")
        for scale in scales(shown)
    ]


def _panels(sweep: SweepFile, lines: Sequence[Line], style: dict[str, tuple[str, str]], name: str) -> Plot:
    times = factor(sweep.unit, ACCURACY)
    titles = [with_unit(sweep.unit, ACCURACY), *list(DRAWN.values())[1:]]
    figure, axes = panels(titles, width=3.8, shared=False)
    for axis, curve in zip(axes, DRAWN, strict=True):
        for line in lines:
            found = curves_by_seed(line, curve)
            steps = max((steps for steps, _ in found), key=len)
            unit = times if curve == "acc" else 1.0
            band = tuple(unit * part for part in mean_and_range([values for _, values in found]))
            band_line(axis, steps, band, style[line.label], line.label)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_xlabel("time step t")
        if curve != "acc" and any(value > 0 for line in axis.lines for value in line.get_ydata()):
            axis.set_yscale("log", nonpositive="mask")
    legend_below(figure)
    caption = (
        f"{sweep.artifact}, scale {lines[0].scale}: accuracy, spikes and energy after t time steps; mean over seeds, band from "
        "the lowest to the highest seed"
    )
    return Plot(name, caption, figure)

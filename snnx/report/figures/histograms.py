"""Histograms by layer: how potentials and gradients are distributed."""

from collections.abc import Sequence

import numpy as np

from snnx.metric.drawn_curves import HISTOGRAMS
from snnx.options.sweepfile import SweepFile
from snnx.report.data.lines import Line, scales
from snnx.report.figures.axes import LONG, Plot, band_line, name_below, panels, png, styles
from snnx.report.figures.learning_curves import mean_and_range

AXES = {
    "attention_score_histogram": "score before a denoiser",
    "potential_histogram": "potential before reset",
    "weight_gradient_histogram": "log10 |dL/dw|",
}
KINDS = ("test", "train")  # a histogram is of one or the other


def draw(sweep: SweepFile, lines: Sequence[Line]) -> list[Plot]:
    """For each recorded histogram and scale a panel a layer, in it a line a row."""
    plots = []
    for metric, bins in HISTOGRAMS.items():
        shown = [line for line in lines if seeds(line, metric)]
        places = scales(shown)
        for number, scale in enumerate(places):
            here = [line for line in shown if line.scale == scale]
            found = {line.label: seeds(line, metric) for line in here}
            layers = list(dict.fromkeys(layer for tables in found.values() for layer in tables[0]))
            figure, axes = panels(layers, width=2.6)
            style = styles([line.label for line in lines])
            for layer, axis in zip(layers, axes, strict=True):
                for label, tables in found.items():
                    if shares := [table[layer] for table in tables if layer in table]:  # networks may differ
                        band = mean_and_range(shares)
                        band_line(axis, bins.centres, tuple(100 * part for part in band), style[label], label)
                axis.set_xlabel(AXES[metric])
            axes[0].set_ylabel("% of all in a bin")
            if any(len(line.label) > LONG for line in here):
                name_below(figure)
            else:
                axes[0].legend(fontsize=8, frameon=False)
            caption = (
                f"{metric} by layer, scale {scale}, outer bins with all beyond; mean over seeds, band from lowest to highest"
            )
            plots.append(Plot(metric if len(places) == 1 else f"{metric}_{number + 1}", caption, png(figure)))
    return plots


def seeds(line: Line, metric: str) -> list[dict[str, np.ndarray]]:
    """Layer to shares by bin, for each seed that has them."""
    found = [(run.result.get("layers") or {}).get(metric, {}) for run in line.done]
    tables = [next((kinds[kind] for kind in KINDS if kind in kinds), None) for kinds in found]
    return [{layer: np.array(shares, dtype=float) for layer, shares in table.items()} for table in tables if table]

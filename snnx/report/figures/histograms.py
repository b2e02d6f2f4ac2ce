"""Histograms by layer: how potentials, gradients and attention scores are distributed."""

from collections.abc import Sequence

import numpy as np

from snnx.metric.drawn_curves import HISTOGRAMS
from snnx.options.sweepfile import SweepFile
from snnx.report.data.lines import Line, scales
from snnx.report.figures.axes import LONG_LABEL, Plot, band_line, legend_below, panels, styles
from snnx.report.figures.learning_curves import mean_and_range

AXES = {
    "attention_score_histogram": "score before a denoiser",
    "potential_histogram": "potential before reset",
    "weight_gradient_histogram": "log10 |dL/dw|",
}
KINDS = ("test", "train")  # each histogram was recorded on one of these splits


def draw(sweep: SweepFile, lines: Sequence[Line]) -> list[Plot]:
    """Draw one plot per recorded histogram and scale: a panel for each layer, in it a line for each row."""
    plots = []
    for metric, bins in HISTOGRAMS.items():
        shown = [line for line in lines if shares_by_seed(line, metric)]
        shown_scales = scales(shown)
        for number, scale in enumerate(shown_scales):
            here = [line for line in shown if line.scale == scale]
            found = {line.label: shares_by_seed(line, metric) for line in here}
            layers = list(dict.fromkeys(layer for tables in found.values() for layer in tables[0]))
            figure, axes = panels(layers, width=2.6)
            style = styles([line.label for line in lines])
            for layer, axis in zip(layers, axes, strict=True):
                for label, tables in found.items():
                    if shares := [table[layer] for table in tables if layer in table]:  # a network may lack this layer
                        band = mean_and_range(shares)
                        band_line(axis, bins.centres, tuple(100 * part for part in band), style[label], label)
                axis.set_xlabel(AXES[metric])
            axes[0].set_ylabel("% of values per bin")
            if any(len(line.label) > LONG_LABEL for line in here):
                legend_below(figure)
            else:
                axes[0].legend(fontsize=8, frameon=False)
            caption = (
                f"{metric} by layer, scale {scale}: mean over seeds, band from the lowest to the highest seed; the outermost "
                "bins also count the values beyond them"
            )
            plots.append(Plot(metric if len(shown_scales) == 1 else f"{metric}_{number + 1}", caption, figure))
    return plots


def shares_by_seed(line: Line, metric: str) -> list[dict[str, np.ndarray]]:
    """For each seed that recorded the histogram, the fraction of values in each bin, by layer.

    Args:
        line: a line of the table.
        metric: a key of `HISTOGRAMS`.
    """
    found = [(run.result.get("layers") or {}).get(metric, {}) for run in line.done]
    tables = [next((kinds[kind] for kind in KINDS if kind in kinds), None) for kinds in found]
    return [{layer: np.array(shares, dtype=float) for layer, shares in table.items()} for table in tables if table]

"""What probes saw layer by layer, in numbers: the figures of layers as a table for other programs."""

import csv
import io
from collections.abc import Sequence

import numpy as np

from snnx.metric.drawn_curves import HISTOGRAMS, PICTURES
from snnx.report.data.lines import Line
from snnx.report.figures.anytime import PREFIX
from snnx.report.tables.table import mean_std

COLUMNS = ("metric", "row", "scale", "further", "seen", "layer", "mean", "std", "n")


def of_layers(metric: str) -> bool:
    """Whether its curves are numbers of layers: no histogram, no picture, and nothing of the whole network."""
    return not (metric in HISTOGRAMS or metric in PICTURES or metric.startswith(PREFIX))


def by_layer(lines: Sequence[Line]) -> str:
    """A line for each metric, row and layer: its mean over time steps, then mean and sample deviation over n seeds.

    `seen` says of what: `test`, the whole test set, `correct` and `wrong`, one sample of it each, or `train`. Histograms,
    pictures and curves of the whole network are no tables and are left out.

    Returns:
        CSV; empty where nothing was probed.
    """
    seeds: dict[tuple[str, ...], list[float]] = {}
    for line in lines:
        further = next(iter(line.further), "")
        for run in line.done:
            for metric, kinds in (run.result.get("layers") or {}).items():
                if not of_layers(metric) or metric.endswith("_by_iteration"):
                    continue
                for kind, layers in kinds.items():
                    for layer, values in layers.items():
                        found = np.array(values, dtype=float)  # null becomes NaN
                        if np.isfinite(found).any():
                            key = (metric, line.row, line.scale, further, kind, layer)
                            seeds.setdefault(key, []).append(float(np.nanmean(found)))
    if not seeds:
        return ""
    order = {metric: place for place, metric in enumerate(dict.fromkeys(key[0] for key in seeds))}
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for key, values in sorted(seeds.items(), key=lambda pair: order[pair[0][0]]):
        mean, std = mean_std(values)
        writer.writerow((*key, f"{mean:.6g}", "" if std is None else f"{std:.6g}", len(values)))
    return file.getvalue()

"""The metrics layer by layer as CSV: the numbers behind the figures, for use in other programs."""

import csv
import io
from collections.abc import Sequence

import numpy as np

from snnx.metric.drawn_curves import HISTOGRAMS, PICTURES
from snnx.report.data.format import mean_std
from snnx.report.data.lines import Line
from snnx.report.figures.over_steps import PREFIX
from snnx.report.tables.spreadsheet import as_text

COLUMNS = ("metric", "row", "scale", "further", "seen", "layer", "mean", "std", "n")


def is_per_layer(metric: str) -> bool:
    """Whether a metric has one curve per layer; histograms, pictures and curves of the whole network do not."""
    return not (metric in HISTOGRAMS or metric in PICTURES or metric.startswith(PREFIX))


def by_layer(lines: Sequence[Line]) -> str:
    """Average each metric of each row and layer over time steps, then over seeds.

    Histograms, pictures and curves of the whole network are left out.

    Returns:
        CSV with mean, sample standard deviation and number of seeds; empty if no metric was recorded by layer. The column
        `seen` says which samples were measured: `test` is the whole test set, `correct` and `wrong` are single samples of
        it, `train` is the training set.
    """
    seeds: dict[tuple[str, ...], list[float]] = {}
    for line in lines:
        further = next(iter(line.further), "")
        for run in line.done:
            for metric, kinds in (run.result.get("layers") or {}).items():
                if not is_per_layer(metric) or metric.endswith("_by_iteration"):
                    continue
                for kind, layers in kinds.items():
                    for layer, values in layers.items():
                        found = np.array(values, dtype=float)  # None becomes NaN
                        if np.isfinite(found).any():
                            key = (metric, line.row, line.scale, further, kind, layer)
                            seeds.setdefault(key, []).append(float(np.nanmean(found)))
    if not seeds:
        return ""
    order = {metric: index for index, metric in enumerate(dict.fromkeys(key[0] for key in seeds))}
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for key, values in sorted(seeds.items(), key=lambda pair: order[pair[0][0]]):
        mean, std = mean_std(values)
        writer.writerow((*map(as_text, key), f"{mean:.6g}", "" if std is None else f"{std:.6g}", len(values)))
    return file.getvalue()

"""The data of a dashboard's charts: the curves and layers of all runs, as they are on disk now."""

import csv
import io
import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

from snnx.metric.drawn_curves import HISTOGRAMS, PICTURES
from snnx.options.unit import factor
from snnx.record.read import read
from snnx.report.data.lines import Line, scales
from snnx.report.data.run import Run
from snnx.report.results import Results


def chart_data(results: Results, outputs: Path) -> str:
    """Write the data of all charts as JSON that is safe inside a script element.

    Values that are not finite become null. Failed and diverged runs are included, but marked as not counted in the mean.

    Args:
        results: the results of the sweep.
        outputs: the folder of all runs.
    """
    labels = list(dict.fromkeys(line.label for line in results.lines if line.runs))
    sweep = results.sweep
    reported = {row.label: row.reported for row in sweep.rows}
    lines = [
        {
            "label": line.label,
            "style": labels.index(line.label),
            "scale": line.scale,
            "paper": {metric: value / factor(sweep.unit, metric) for metric, value in reported.get(line.row, {}).items()},
            "counted": [run.state not in ("failed", "diverged") for run in line.runs],
            "curves": _by_name([curves(run, outputs) for run in line.runs]),
            "layers": _by_name([layers(run) for run in line.runs]),
        }
        for line in results.lines
        if line.runs
    ]
    names = layer_names(results.lines)
    found = {"sweep": sweep.name, "metric": sweep.metric, "scales": scales(results.lines), "lines": lines, "names": names}
    return json.dumps(_short(found), separators=(",", ":")).replace("<", "\\u003c")


def curves(run: Run, outputs: Path) -> dict[str, list[float | None]]:
    """The values of each metric by epoch: from the run's result, or from `metrics.csv` while it has no result.

    Args:
        run: the run.
        outputs: the folder of all runs.
    """
    if run.result.get("curves") or not run.local:
        return run.result.get("curves") or {}
    try:
        text = read(outputs / "runs" / run.hash / "metrics.csv", links=False).decode()
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        return {key: [float(row[key] or "nan") for row in rows] for key in (rows[0] if rows else {}) if key != "epoch"}
    except (OSError, ValueError, TypeError, csv.Error):  # not written yet, or damaged
        return {}


def layers(run: Run) -> dict[str, list[float | None]]:
    """For each spiking metric on the test set, its mean over time steps in each layer."""
    probed = {metric: kinds["test"] for metric, kinds in (run.result.get("layers") or {}).items() if "test" in kinds}
    curves = {metric: table for metric, table in probed.items() if metric not in HISTOGRAMS and metric not in PICTURES}
    return {metric: [_mean(steps) for steps in table.values()] for metric, table in curves.items()}


def layer_names(lines: Sequence[Line]) -> dict[str, list[str]]:
    """The names of the layers of each spiking metric, in the order of the network; the deepest network's if they differ."""
    found: dict[str, list[str]] = {}
    for run in (run for line in lines for run in line.runs):
        for metric in layers(run):
            names = list(run.result["layers"][metric]["test"])
            found[metric] = max(found.get(metric, []), names, key=len)
    return found


def _by_name(runs: Sequence[dict[str, list]]) -> dict[str, list[list]]:
    """Turn one mapping per run into one list per name, with an empty entry for a run that lacks the name."""
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: [run.get(name, []) for run in runs] for name in names}


def _mean(values: Sequence[float | None]) -> float | None:
    finite = [value for value in values if value is not None and math.isfinite(value)]
    return statistics.fmean(finite) if finite else None


def _short(value: object) -> object:
    """Round all numbers to six digits, which is more than a chart shows."""
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_short(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value

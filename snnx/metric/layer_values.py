"""Converts a recorder's curves to plain numbers, for the result file and for a spreadsheet."""

import csv
import io

from snnx.metric.recorder import Recorder
from snnx.metric.reductions import KINDS

Layers = dict[str, dict[str, dict[str, list[float]]]]
"""`{curve: {kind: {layer: [one value per time step]}}}`, with the kinds of `KINDS`."""


def rounded(recorder: Recorder) -> Layers:
    """Return all curves of all kinds, rounded to six digits."""
    layers: Layers = {}
    for kind in KINDS:
        for curve, table in recorder.curves(kind).items():
            plain = {layer: [float(f"{v:.6g}") for v in values.tolist()] for layer, values in table.items()}
            layers.setdefault(curve, {})[kind] = plain
    return layers


def as_csv(layers: Layers) -> str:
    """Format the same curves as a CSV table with one value per line.

    Example:
        >>> print(as_csv({"firing_rate": {"test": {"sn1": [0.5, 0.25]}}}))
        metric,sample,layer,step,value
        firing_rate,test,sn1,0,0.5
        firing_rate,test,sn1,1,0.25
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["metric", "sample", "layer", "step", "value"])
    for curve, kinds in layers.items():
        for kind, table in kinds.items():
            for layer, values in table.items():
                writer.writerows([curve, kind, layer, step, value] for step, value in enumerate(values))
    return text.getvalue()

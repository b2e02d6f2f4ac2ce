"""Spike raster of one sample: when each neuron fires, layer by layer."""

from collections.abc import Sequence

import numpy as np

from snnx.options.sweepfile import SweepFile
from snnx.report.data.lines import Line
from snnx.report.figures.axes import Plot, panels, styles


def draw(sweep: SweepFile, lines: Sequence[Line]) -> list[Plot]:
    """Draw one panel for each line of the table that recorded a raster."""
    first = [(line, (line.done[0].result.get("layers") or {}).get("spike_raster", {})) for line in lines if line.done]
    kept = [(line, layers["correct"]) for line, layers in first if layers.get("correct")]
    if not kept:
        return []
    figure, axes = panels([f"{line.label}, scale {line.scale}" for line, _ in kept])
    for axis, (_, layers) in zip(axes, kept, strict=True):
        style, end = styles(list(layers)), _early(layers)
        for place, (layer, times) in enumerate(layers.items(), 1):
            height = place + np.linspace(-0.42, 0.42, len(times))
            axis.plot(np.array(times, dtype=float), height, ".", color=style[layer][0], markersize=1.5)
        axis.set_xlabel("time of the spike")
        axis.set_xlim(left=-0.02 * end, right=1.1 * end)
        axis.grid(axis="x", color="#dddddd", linewidth=0.6)
    tallest = max((list(layers) for _, layers in kept), key=len)
    axes[0].set_yticks(range(1, len(tallest) + 1), [layer.rpartition(".")[2] for layer in tallest], fontsize=8)
    caption = (
        "spike_raster: spikes of a correctly classified sample, first seed; the neurons of a layer are drawn from first to "
        "last; some of the latest 2 % of the spikes may lie beyond the axis"
    )
    return [Plot("spike_raster", caption, figure, samples=True)]


def _early(layers: dict[str, list]) -> float:
    """The time before which 98 % of the spikes occur; 1 if there is no spike or if all occur at time 0."""
    times = np.concatenate([np.array(times, dtype=float) for times in layers.values()])
    spikes = times[np.isfinite(times)]
    return float(np.quantile(spikes, 0.98) if spikes.size else 0.0) or 1.0

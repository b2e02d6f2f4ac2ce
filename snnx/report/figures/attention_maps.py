"""Attention maps before and after the denoiser, and the denoising function that each head learned."""

from collections.abc import Sequence

import numpy as np

from snnx.options.sweepfile import SweepFile
from snnx.report.data.lines import Line
from snnx.report.figures.axes import Plot, panels, styles


def draw(sweep: SweepFile, lines: Sequence[Line]) -> list[Plot]:
    """Draw one plot of example maps from all lines that recorded them, and one plot per line that has a denoiser."""
    first = [(line, line.done[0].result.get("layers") or {}) for line in lines if line.done]
    mapped = [(line, _example(layers)) for line, layers in first if _example(layers)]
    curved = [(line, layers) for line, layers in first if "denoiser_table" in layers]
    plots = [_maps(mapped)] if mapped else []
    for number, (line, layers) in enumerate(curved):
        plots.append(_heads(line, layers, "denoiser" if len(curved) == 1 else f"denoiser_{number + 1}"))
    return plots


def _example(layers: dict) -> dict[str, np.ndarray]:
    """The attention maps of the correctly classified sample, by title of their panel."""
    found = {}
    for title, curve in (("before", "attention_map_before"), ("after", "attention_map")):
        if table := layers.get(curve, {}).get("correct"):
            (values,) = table.values()
            side = round(len(values) ** 0.5)
            found[title] = np.array(values, dtype=float).reshape(side, side)
    return found


def _maps(mapped: Sequence[tuple[Line, dict[str, np.ndarray]]]) -> Plot:
    titles = [f"{line.row},\n{title}" for line, shown in mapped for title in shown]
    maps = [scores for _, shown in mapped for scores in shown.values()]
    figure, axes = panels(titles, width=3.4, height=4.2)
    highest = max(1.0, *(scores.max() for scores in maps))
    for axis, scores in zip(axes, maps, strict=True):
        image = axis.imshow(scores, cmap="magma", vmin=0, vmax=highest, interpolation="nearest")
        axis.grid(False)
        axis.set_xlabel(f"key, {100 * (scores == 0).mean():.1f} % zeros")
    axes[0].set_ylabel("query")
    figure.colorbar(image, ax=axes, shrink=0.8, label="score")
    caption = (
        "attention_map: attention scores before and after the denoiser, in one head of the last block at the last time step, "
        "for a correctly classified sample of the first seed"
    )
    return Plot("attention_map", caption, figure, samples=True)


def _heads(line: Line, layers: dict, name: str) -> Plot:
    """One panel per block: the learned function before rounding as a line, the rounded table as points."""
    tables, curves = layers["denoiser_table"]["train"], layers["denoiser_curve"]["train"]
    blocks: dict[str, list[str]] = {}
    for head in tables:
        blocks.setdefault(head.partition(", ")[0], []).append(head)
    figure, axes = panels([block.removesuffix(".attention.denoiser") for block in blocks], width=3.2)
    for axis, heads in zip(axes, blocks.values(), strict=True):
        style = styles(heads)
        for head in heads:
            colour, dash = style[head]
            axis.plot(np.array(curves[head], dtype=float), color=colour, linestyle=dash, linewidth=1)
            axis.plot(np.array(tables[head], dtype=float), "o", color=colour, markersize=2, label=head.partition(", ")[2])
        axis.set_xlabel("score")
    axes[0].set_ylabel("denoised score")
    axes[-1].legend(fontsize=6, frameon=False)
    scale = f"scale {line.scale}, " if line.scale else ""
    caption = f"denoiser of {line.label}, {scale}first seed: the function f before rounding (lines), the rounded table (points)"
    return Plot(name, caption, figure)

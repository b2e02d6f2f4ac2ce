"""Draws costs as bars, in multiples of a baseline."""

from collections.abc import Mapping

from snnx.report.figures.axes import COLOURS, Plot, panels

OURS, OTHERS = COLOURS[0], COLOURS[1]


def bars(name: str, caption: str, groups: Mapping[str, Mapping[str, float]]) -> Plot:
    """Draw a panel for each group with a bar for each name, and a dashed line at 1, the baseline; bars of snnx are blue.

    Args:
        name: name of the file.
        caption: what the length of a bar means.
        groups: for each panel's title, the multiples of the baseline by name; all panels have the same names.
    """
    names = list(next(iter(groups.values())))
    figure, axes = panels(list(groups), height=1.2 + 0.3 * len(names))
    for axis, values in zip(axes, groups.values(), strict=True):
        axis.barh(names, list(values.values()), height=0.65, color=[OURS if "snnx" in n else OTHERS for n in names])
        for height, value in enumerate(values.values()):
            axis.annotate(f"{value:.2f}", (value, height), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
        axis.axvline(1.0, color="#222222", linestyle="--", linewidth=1)
        axis.grid(visible=False, axis="y")
        axis.set_xlabel("x ReLU (dashed: 1)")
    right = 1.15 * max(value for values in groups.values() for value in values.values())
    for axis in axes:
        axis.set_xlim(0, max(right, 1.5))  # space for the numbers beside the bars
    axes[0].invert_yaxis()
    return Plot(name, caption, figure)

"""Bars of costs as multiples of a floor."""

from collections.abc import Mapping

from snnx.report.figures.axes import COLOURS, Plot, panels, png

OURS, OTHERS = COLOURS[0], COLOURS[1]


def bars(name: str, caption: str, groups: Mapping[str, Mapping[str, float]]) -> Plot:
    """A panel for each group, a bar for each name in it, and a line at 1, the floor; what is snnx's own is blue.

    Args:
        name: of the file.
        caption: what a bar's length means.
        groups: multiples of the floor by name, by title of a panel; all with the same names.
    """
    names = list(next(iter(groups.values())))
    figure, axes = panels(list(groups), height=1.2 + 0.3 * len(names))
    for axis, values in zip(axes, groups.values(), strict=True):
        axis.barh(names, list(values.values()), height=0.65, color=[OURS if "snnx" in n else OTHERS for n in names])
        for place, value in enumerate(values.values()):
            axis.annotate(f"{value:.2f}", (value, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
        axis.axvline(1.0, color="#222222", linestyle="--", linewidth=1)
        axis.grid(visible=False, axis="y")
        axis.set_xlabel("x ReLU (dashed: 1)")
    right = 1.15 * max(value for values in groups.values() for value in values.values())
    for axis in axes:
        axis.set_xlim(0, max(right, 1.5))  # room for the numbers
    axes[0].invert_yaxis()
    return Plot(name, caption, png(figure))

"""How every figure of a report looks: colours, panels, labels beside their lines, PNG bytes."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, product
from textwrap import wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# Okabe and Ito (2008), told apart also with colour-vision deficiency; their yellow is too faint on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#444444")
DASHES = ("-", "--", ":", "-.")
GAP = 0.055  # of the axis' height, between two labels
LONG = 30  # letters, more than there is room for beside a line


@dataclass(frozen=True)
class Plot:
    """A drawn figure."""

    name: str  # of the file, without suffix
    caption: str
    png: bytes


def styles(labels: Sequence[str]) -> dict[str, tuple[str, str]]:
    """A colour and a dash for each label, the same in every figure of a report; after 28 they come again."""
    return dict(zip(dict.fromkeys(labels), cycle((c, d) for d, c in product(DASHES, COLOURS)), strict=False))


def panels(
    titles: Sequence[str], width: float = 4.8, height: float = 3.8, shared: bool = True
) -> tuple["Figure", list["Axes"]]:
    """Side by side a panel for each title.

    Args:
        titles: one a panel.
        width, height: of one panel, in inches.
        shared: whether all have one vertical axis.
    """
    from matplotlib.figure import Figure  # not pyplot: no global state, no window

    size = (max(6.4, width * len(titles)), height)
    figure = Figure(figsize=size, dpi=150, layout="constrained", facecolor="white")
    axes = list(figure.subplots(1, len(titles), sharey=shared, squeeze=False)[0])
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title("\n".join(wrap(title, int(11 * size[0] / len(titles)))), fontsize=10, loc="left")
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color="#dddddd", linewidth=0.6)
        axis.set_axisbelow(True)
    return figure, axes


def band_line(axis: "Axes", x: Sequence[float], band: tuple, style: tuple[str, str], label: str) -> None:
    """Draw mean, minimum and maximum as a line in its band, with the label for `name_lines` to place."""
    mean, low, high = band
    colour, dash = style
    axis.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    marker = "o" if len(mean) <= 20 else None
    axis.plot(x, mean, color=colour, linestyle=dash, marker=marker, markersize=3, linewidth=1.6, label=label)


def name_lines(axis: "Axes") -> None:
    """Write each line's label beside its end; call it when all panels are drawn, since they share an axis.

    More lines than there are colours are told apart by their dashes, which a label does not show: they get a legend, the
    line that ends highest first. Long labels stand below the figure, once for all panels.
    """
    low, high = axis.get_ylim()
    named = [drawn for drawn in axis.get_lines() if not drawn.get_label().startswith("_")]
    if any(len(drawn.get_label()) > LONG for drawn in named):
        name_below(axis.figure)
        return
    if len(named) > len(COLOURS):
        axis.legend(
            handles=sorted(named, key=_end, reverse=True), fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5)
        )
        return
    ends = [(drawn, [y for y in drawn.get_ydata() if math.isfinite(y)][-1:]) for drawn in named]
    ends = sorted(((drawn, end[0]) for drawn, end in ends if end), key=lambda pair: pair[1])
    gap = min(GAP, 1 / max(1, len(ends))) * (high - low)
    for (drawn, _), place in zip(ends, apart([end for _, end in ends], gap, low, high), strict=True):
        axis.text(
            1.015, place, drawn.get_label(), transform=axis.get_yaxis_transform(), color=drawn.get_color(),
            fontsize=8, va="center",
        )  # fmt: skip


def name_below(figure: "Figure") -> None:
    """One legend for all panels, below them."""
    if not figure.legends:
        drawn = {line.get_label(): line for axis in figure.axes for line in axis.get_lines()}
        handles = [line for label, line in drawn.items() if not label.startswith("_")]
        height = 0.17 * len(handles)  # inches of its lines, which the panels shall not lose
        figure.set_figheight(figure.get_figheight() + height)
        figure.legend(handles=handles, fontsize=8, frameon=False, loc="outside lower left")


def _end(drawn: "Line2D") -> float:
    return next((y for y in reversed(drawn.get_ydata()) if math.isfinite(y)), -math.inf)


def apart(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Ascending places, moved as little as puts neighbours a gap apart and all between low and high.

    With index * gap taken off, a gap apart means not descending; least squares then pools whatever descends.

    Example:
        >>> apart([0.0, 5.0, 5.0], gap=2.0, low=0.0, high=9.0), apart([8.0, 9.0], gap=2.0, low=0.0, high=9.0)
        ([0.0, 4.0, 6.0], [7.0, 9.0])
    """
    pools: list[tuple[float, int]] = []  # mean, count
    for index, place in enumerate(places):
        mean, count = place - index * gap, 1
        while pools and pools[-1][0] > mean:
            before, others = pools.pop()
            mean, count = (before * others + mean * count) / (others + count), others + count
        pools.append((mean, count))
    free = [mean for mean, count in pools for _ in range(count)]
    last = high - (len(free) - 1) * gap
    return [max(low, min(place, last)) + index * gap for index, place in enumerate(free)]


def png(figure: "Figure") -> bytes:
    """The figure as PNG, the same bytes for the same numbers."""
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()

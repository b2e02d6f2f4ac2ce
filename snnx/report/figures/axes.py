"""What all figures of a report share: colours, panels, labels beside their lines, PNG and PDF."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import cycle, product
from textwrap import wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# Okabe and Ito (2008): distinguishable with colour-vision deficiency. Their yellow is left out, it is too faint on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#444444")
DASHES = ("-", "--", ":", "-.")
LABEL_GAP = 0.055  # smallest distance between two labels, as a fraction of the axis' height
ENTRY = 0.17
"""Inches that an entry of a legend needs."""
LONG_LABEL = 30  # a label with more letters than this does not fit beside its line


@dataclass(frozen=True)
class Plot:
    """A figure with its caption; the same numbers give the same bytes."""

    name: str  # of the file, without suffix
    caption: str
    figure: "Figure"
    samples: bool = False  # whether it shows the activity for single test samples, which the page then names

    def with_remark(self, remark: str) -> "Plot":
        """Return the plot with a remark in its caption, and in small letters below the picture."""
        self.figure.supxlabel(remark, fontsize=7, color="#555555", x=0.01, ha="left")
        return replace(self, caption=f"{self.caption}; {remark}")

    @cached_property
    def png(self) -> bytes:
        """The figure as PNG."""
        return rendered(self.figure, "png")

    @cached_property
    def pdf(self) -> bytes:
        """The figure as PDF, for a paper."""
        return rendered(self.figure, "pdf")


def rendered(figure: "Figure", kind: str) -> bytes:
    """Render a figure as "png" or "pdf". The file does not say when and by which program, so equal figures give equal bytes."""
    unstated = {"png": ("Software",), "pdf": ("Creator", "Producer", "CreationDate")}[kind]
    file = io.BytesIO()
    figure.savefig(file, format=kind, metadata=dict.fromkeys(unstated))
    return file.getvalue()


def styles(labels: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Assign a colour and a dash to each label; after 28 labels they repeat.

    Pass the labels of all lines of the table, also of those that a figure does not show: then a row looks the same in every
    figure.

    Example:
        >>> styles(["LIF", "PLIF"])
        {'LIF': ('#0072B2', '-'), 'PLIF': ('#D55E00', '-')}
    """
    return dict(zip(dict.fromkeys(labels), cycle((c, d) for d, c in product(DASHES, COLOURS)), strict=False))


def panels(
    titles: Sequence[str], width: float = 4.8, height: float = 3.8, shared: bool = True
) -> tuple["Figure", list["Axes"]]:
    """Make a figure with one panel per title, side by side.

    Args:
        titles: the title of each panel.
        width, height: size of one panel, in inches.
        shared: whether all panels share one vertical axis.
    """
    from matplotlib.figure import Figure  # pyplot would keep global state and could open windows

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
    """Draw a mean as a line, and the range from minimum to maximum as a band around it.

    Args:
        axis: the panel to draw into.
        x: the horizontal positions.
        band: mean, minimum and maximum, each with one value per position; see `mean_and_range`.
        style: colour and dash, see `styles`.
        label: of the line; `label_lines` writes it.
    """
    mean, low, high = band
    colour, dash = style
    axis.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    marker = "o" if len(mean) <= 20 else None
    axis.plot(x, mean, color=colour, linestyle=dash, marker=marker, markersize=3, linewidth=1.6, label=label)


def label_lines(axis: "Axes") -> None:
    """Write each line's label beside its end.

    Call it after all panels are drawn, because they share their vertical axis. If there are more lines than colours, the
    panel gets a legend instead, which shows the dashes and starts with the line that ends highest. If a label is too long
    for the space beside a line, the figure gets one legend for all panels, below them.
    """
    low, high = axis.get_ylim()
    labelled = [line for line in axis.get_lines() if not line.get_label().startswith("_")]
    if any(len(line.get_label()) > LONG_LABEL for line in labelled):
        legend_below(axis.figure)
        return
    if len(labelled) > len(COLOURS):
        handles = sorted(labelled, key=_end, reverse=True)
        make_room(axis.figure, len(handles))
        axis.legend(handles=handles, fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
        return
    ends = [(line, [y for y in line.get_ydata() if math.isfinite(y)][-1:]) for line in labelled]
    ends = sorted(((line, end[0]) for line, end in ends if end), key=lambda pair: pair[1])
    gap = min(LABEL_GAP, 1 / max(1, len(ends))) * (high - low)
    for (line, _), height in zip(ends, spread_apart([end for _, end in ends], gap, low, high), strict=True):
        axis.text(
            1.015, height, line.get_label(), transform=axis.get_yaxis_transform(), color=line.get_color(),
            fontsize=8, va="center",
        )  # fmt: skip


def make_room(figure: "Figure", entries: int) -> None:
    """Make a figure higher if a legend with so many entries would not fit beside its panels."""
    figure.set_figheight(max(figure.get_figheight(), ENTRY * (entries + 2)))


def legend_below(figure: "Figure") -> None:
    """Put one legend for all panels below them; a second call changes nothing."""
    if not figure.legends:
        drawn = {line.get_label(): line for axis in figure.axes for line in axis.get_lines()}
        handles = [line for label, line in drawn.items() if not label.startswith("_")]
        figure.set_figheight(figure.get_figheight() + ENTRY * len(handles))  # or the panels would become lower
        figure.legend(handles=handles, fontsize=8, frameon=False, loc="outside lower left")


def _end(line: "Line2D") -> float:
    return next((y for y in reversed(line.get_ydata()) if math.isfinite(y)), -math.inf)


def spread_apart(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move ascending positions as little as possible so that neighbours are at least a gap apart and all fit on the axis.

    After subtracting `index * gap` from each position, "at least a gap apart" means "not descending"; the closest such
    positions in the least-squares sense average every group that descends (pool adjacent violators).

    Args:
        places: the positions, ascending.
        gap: smallest distance between two neighbours.
        low, high: ends of the axis.

    Example:
        >>> spread_apart([0.0, 5.0, 5.0], gap=2.0, low=0.0, high=9.0), spread_apart([8.0, 9.0], gap=2.0, low=0.0, high=9.0)
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

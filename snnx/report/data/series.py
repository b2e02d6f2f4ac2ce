"""What is one line in a plot of layers: a row of the table on the test set, or one sample of a single row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnx.report.data.lines import Line
from snnx.report.figures.axes import styles

SEEN = {"test": "test set", "correct": "correct sample", "wrong": "wrong sample", "train": "training"}


@dataclass(frozen=True)
class Series:
    """A line: what was measured at each layer and step, for each seed."""

    scale: str
    title: str  # what all lines of the plot have in common
    label: str
    style: tuple[str, str]
    layers: tuple[str, ...]  # their names
    seeds: list[np.ndarray]  # [L, T] each

    @property
    def timesteps(self) -> int:
        """`T` of the metric's curves."""
        return max(probed.shape[1] for probed in self.seeds)


def chosen(lines: Sequence[Line], metric: str) -> list[Series]:
    """Test set, correct and wrong sample of a single row, a panel a configuration; of several rows the test set of each."""
    probed = [line for line in lines if any(metric in (run.result.get("layers") or {}) for run in line.done)]
    if len({line.row for line in probed}) == 1:
        style = styles(list(SEEN.values()))
        every = [
            Series(line.scale + line.label.removeprefix(line.row), line.row, label, style[label], *_seeds(line, metric, seen))
            for line in probed
            for seen, label in SEEN.items()
        ]
    else:
        style = styles([line.label for line in lines])
        every = [
            Series(line.scale, label, line.label, style[line.label], *_seeds(line, metric, seen))
            for line in probed
            for seen, label in SEEN.items()
            if seen in ("test", "train")
        ]
    return [series for series in every if series.seeds]


def _seeds(line: Line, metric: str, seen: str) -> tuple[tuple[str, ...], list[np.ndarray]]:
    found = [(run.result.get("layers") or {}).get(metric, {}).get(seen) for run in line.done]
    kept = [layers for layers in found if layers]
    return tuple(kept[0]) if kept else (), [np.array(list(layers.values()), dtype=float) for layers in kept]  # null: NaN


def places(series: Sequence[Series]) -> dict[tuple[str, ...], list[int]]:
    """Where the layers of each network stand on an axis of all: layers of one name at one place, in the order of the data.

    Networks with no name in common, or whose names stand in another order, each count from 1.

    Example:
        >>> a, b = (Series("", "", "", ("", ""), names, []) for names in (("conv1", "conv2", "out"), ("conv2", "out")))
        >>> places([a, b])
        {('conv1', 'conv2', 'out'): [1, 2, 3], ('conv2', 'out'): [2, 3]}
    """
    longest = max((one.layers for one in series), key=len)
    order = {name: place for place, name in enumerate(longest, start=1)}
    found = {}
    for one in series:
        named = [order.get(name, 0) for name in one.layers]
        alike = 0 not in named and named == sorted(named)
        found[one.layers] = named if alike else list(range(1, 1 + len(named)))
    return found

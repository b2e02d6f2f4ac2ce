"""Chooses the lines of a figure of layers: one per table row, or one per kind of sample if there is a single row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnx.report.data.lines import Line
from snnx.report.figures.axes import styles

MEASURED_ON = {"test": "test set", "correct": "correct sample", "wrong": "wrong sample", "train": "training"}


@dataclass(frozen=True)
class Series:
    """One line of a plot: what was measured at each layer and time step, for each seed."""

    scale: str
    title: str  # of the panel
    label: str  # of the line
    style: tuple[str, str]  # colour and dash
    layers: tuple[str, ...]  # names of the layers
    seeds: list[np.ndarray]  # for each seed an array [L, T]

    @property
    def timesteps(self) -> int:
        """The number of time steps `T` of the longest array."""
        return max(probed.shape[1] for probed in self.seeds)


def layer_series(lines: Sequence[Line], metric: str) -> list[Series]:
    """Choose the lines of a metric's plot.

    If there is a single row, the lines are the test set, a correctly and a wrongly classified sample, with one panel for each
    of its configurations. Several rows are compared on the test set, or on the training set for a metric that is measured
    there.

    Args:
        lines: the lines of the table.
        metric: a key of a result's `layers`, such as `firing_rate`.
    """
    probed = [line for line in lines if any(metric in (run.result.get("layers") or {}) for run in line.done)]
    if len({line.row for line in probed}) == 1:
        style = styles(list(MEASURED_ON.values()))
        every = [
            Series(line.scale + line.label.removeprefix(line.row), line.row, label, style[label], *_seeds(line, metric, source))
            for line in probed
            for source, label in MEASURED_ON.items()
        ]
    else:
        style = styles([line.label for line in lines])
        every = [
            Series(line.scale, label, line.label, style[line.label], *_seeds(line, metric, source))
            for line in probed
            for source, label in MEASURED_ON.items()
            if source in ("test", "train")
        ]
    return [series for series in every if series.seeds]


def shows_samples(series: Sequence[Series]) -> bool:
    """Whether some of the lines are of a single test sample."""
    return any(entry.label in (MEASURED_ON["correct"], MEASURED_ON["wrong"]) for entry in series)


def _seeds(line: Line, metric: str, source: str) -> tuple[tuple[str, ...], list[np.ndarray]]:
    found = [(run.result.get("layers") or {}).get(metric, {}).get(source) for run in line.done]
    kept = [layers for layers in found if layers]
    kept = [layers for layers in kept if [*layers] == [*kept[0]]]
    return tuple(kept[0]) if kept else (), [np.array(list(layers.values()), dtype=float) for layers in kept]  # None becomes NaN


def layer_positions(series: Sequence[Series]) -> dict[tuple[str, ...], list[int]]:
    """Positions on the horizontal axis for the layers of each network: layers of the same name get the same position.

    The network with the most layers sets the order. A network with a layer that this one does not have, or with its layers in
    another order, gets separate positions, from 1 on.

    Example:
        >>> a, b = (Series("", "", "", ("", ""), names, []) for names in (("conv1", "conv2", "out"), ("conv2", "out")))
        >>> layer_positions([a, b])
        {('conv1', 'conv2', 'out'): [1, 2, 3], ('conv2', 'out'): [2, 3]}
    """
    longest = max((entry.layers for entry in series), key=len)
    order = {name: position for position, name in enumerate(longest, start=1)}
    found = {}
    for entry in series:
        positions = [order.get(name, 0) for name in entry.layers]
        same_order = 0 not in positions and positions == sorted(positions)
        found[entry.layers] = positions if same_order else list(range(1, 1 + len(positions)))
    return found

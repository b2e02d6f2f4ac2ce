"""Computes in which steps each layer of a time-to-first-spike code fires."""

from dataclasses import dataclass

from snnx.conversion.dendrite import Rhythm
from snnx.conversion.links import Link


@dataclass(frozen=True)
class Windows:
    """Layer l fires in the steps `l*start .. l*start + duration - 1`; the input is layer 0.

    A layer reads what the layer before it fires. If `start` is below `duration`, it fires before it has read all of it.

    Args:
        start: number of steps from the start of a layer's window to that of the next layer, at least 1.
        duration: number of steps of a window, at least `start`.

    Raises:
        ValueError: `start` is below 1, or above `duration`.

    Source: Park et al., 2020 (T2FSNN), section III, and the authors' code: `time_fire_start` and `time_fire_duration`.

    Example:
        >>> Windows(start=40, duration=80).steps(layers=16)                    # VGG-16, early firing
        680
        >>> Windows(start=4, duration=8).rhythm(1, [0.5] * 8)(3), Windows(start=4, duration=8).rhythm(1, [0.5] * 8)(4)
        (0.0, 0.5)
    """

    start: int = 80
    duration: int = 80

    def __post_init__(self) -> None:
        if not 1 <= self.start <= self.duration:
            raise ValueError(
                f"Conversion: start must be from 1 to duration={self.duration}, so that windows have no gap; got {self.start}"
            )

    def steps(self, layers: int) -> int:
        """Return the number of steps of a network with `layers` layers with weights, of which the last one does not fire."""
        return (layers - 1) * self.start + self.duration

    def rhythm(self, layer: int, values: list[float]) -> Rhythm:
        """Return the rhythm of a layer, from the values that its spikes have in its window."""
        first = layer * self.start
        return lambda step: values[step - first] if first <= step < first + self.duration else 0.0

    def require_fitting(self, code: str, links: dict[str, Link], timesteps: int) -> None:
        """Reject a network with branches, and a number of steps that differs from the one that the windows need.

        Raises:
            ValueError: the network has a branch, or `timesteps` does not fit; one line says what to use.
        """
        expected = None
        for name, link in links.items():
            if link.source != expected:
                raise ValueError(
                    f"Conversion: backbone must have one layer after another with code={code}, since each layer has a window "
                    f"of its own; got {name}, which is a branch; use backbone=vgg, scnn or convnet, or code=phase or burst"
                )
            expected = link.sink
        needed = self.steps(len(links))
        if timesteps != needed:
            raise ValueError(
                f"Conversion: timesteps must be {needed} with code={code}, which is {len(links) - 1} * start + duration for "
                f"{len(links)} layers; got {timesteps}; set timesteps={needed}, or other windows"
            )

"""The interface that every option of the group `backbone` follows."""

from collections.abc import Callable
from typing import Protocol

from torch import nn


class MakesBackbone(Protocol):
    """A callable that makes a network from a neuron, so that all methods can use the network; a class, or a `partial` of one.

    The network takes `[T, B, C, H, W]` for any T and B and returns `[T, B, classes]` from a last layer that does not fire. Its
    layers treat time steps like samples; only neurons and norms read them as time. The network does not reset its neurons; the
    method does that. An option may also have the arguments `attention` and `norm`, and then gets the options of these groups.

    Example:
        >>> from functools import partial
        >>> import torch
        >>> class Flat(nn.Module):
        ...     def __init__(self, *, neuron, in_shape, classes, width=1.0, hidden=8):
        ...         super().__init__()
        ...         pixels = in_shape[0] * in_shape[1] * in_shape[2]
        ...         self.layers = nn.Sequential(nn.Flatten(2), nn.Linear(pixels, hidden), neuron(), nn.Linear(hidden, classes))
        ...     def forward(self, x):
        ...         return self.layers(x)
        >>> makes: MakesBackbone = partial(Flat, hidden=4)
        >>> makes(neuron=nn.ReLU, in_shape=(1, 2, 2), classes=3, width=1.0)(torch.rand(5, 6, 1, 2, 2)).shape
        torch.Size([5, 6, 3])
    """

    def __call__(
        self, *, neuron: Callable[[], nn.Module], in_shape: tuple[int, int, int], classes: int, width: float
    ) -> nn.Module:
        """Make the network.

        Args:
            neuron: makes one neuron layer for input `[T, B, *]`; it is called once for each neuron layer of the network.
            in_shape: `(C, H, W)` of the encoding's output.
            classes: number of scores.
            width: factor on the numbers of channels, > 0, from the scale.
        """

"""What an option of the group `backbone` does."""

from collections.abc import Callable
from typing import Protocol

from torch import nn


class MakesBackbone(Protocol):
    """A network that is written once for every method, which gives it its neurons: a class, or a `partial` of one.

    What it makes takes `[T, B, C, H, W]` for any T and B and gives `[T, B, classes]`, from a last layer that does not fire.
    Time is a batch axis to all but neurons and norms. It resets nothing: the method does. An option may also name the groups
    `attention` and `norm` in its signature, and is then given them.

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
        """The network.

        Args:
            neuron: makes one neuron layer over `[T, B, *]`; each place in the network has one of its own.
            in_shape: `(C, H, W)` as the encoding gives it.
            classes: number of scores.
            width: factor on numbers of channels, > 0; the scale's.
        """

"""Encodes images for networks of spike times: for each pixel, whether it fires, and how early or with what value."""

from typing import ClassVar

import torch
from torch import Tensor

from snnx.encoding.encoding import Encoding


class Planes(Encoding):
    """The base class of inputs with two planes in place of time steps: `m` for spikes and `a` for activations.

    Shape:
        `[B, C, H, W]` to `[2, B, C, H, W]`.

    Args:
        in_channels: number of channels C of the images.
    """

    def __init__(self, *, in_channels: int) -> None:
        super().__init__(timesteps=2, in_channels=in_channels)


class WindowPlanes(Planes):
    """The base class of the inputs of `TTFS`, which arrive in time windows.

    Attributes:
        windows: number of windows in which the input arrives, before the first layer's window.
        steps: number of steps in a window at which spikes can arrive, outside training; `None` allows any time.
    """

    windows: ClassVar[int]

    def __init__(self, *, in_channels: int) -> None:
        super().__init__(in_channels=in_channels)
        self.steps: int | None = None


class SpikePlanes(WindowPlanes):
    """Makes each pixel fire at `t = 1 - x`, earlier for a brighter pixel; a black pixel does not fire.

        m = 1 where x > 0, else 0        a = 1 - t = x        with steps: t = ceil((1 - x) steps) / steps

    Shape:
        `[B, C, H, W]` to `[2, B, C, H, W]`.

    Args:
        in_channels: number of channels C of the images.

    Raises:
        ValueError: a value of x is outside [0, 1].

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Eq 1, with the
        maximum 1 for all images instead of the maximum of each image.

    Example:
        >>> SpikePlanes(in_channels=1)(torch.tensor([1.0, 0.25, 0.0]).view(1, 1, 1, 3)).flatten(1).tolist()
        [[1.0, 1.0, 0.0], [1.0, 0.25, 0.0]]
    """

    windows = 1

    def forward(self, x: Tensor) -> Tensor:
        self.require_range(x)
        a = x
        if self.steps is not None and not self.training:
            a = (x * self.steps + 1e-4).floor() / self.steps  # in float32, 100 * 0.29 is less than 29
        return torch.stack([(x > 0).to(x.dtype), a])


class ValuePlanes(WindowPlanes):
    """Passes each pixel on as a value. The first layer computes as in a ReLU network, and its neurons are the first that fire.

        m = 0        a = x

    Images may have any real values, so they may be normalised.

    Shape:
        `[B, C, H, W]` to `[2, B, C, H, W]`.

    Args:
        in_channels: number of channels C of the images.

    Source: the code of Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, for CIFAR.

    Example:
        >>> ValuePlanes(in_channels=1)(torch.tensor([1.5, -0.25]).view(1, 1, 1, 2)).flatten(1).tolist()
        [[0.0, 0.0], [1.5, -0.25]]
    """

    windows = 0

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([torch.zeros_like(x), x])

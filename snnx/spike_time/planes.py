"""What a network of spike times is given: whether each pixel fired, and how early or what value it has."""

from typing import ClassVar

import torch
from torch import Tensor

from snnx.encoding.encoding import Encoding


class Planes(Encoding):
    """Two planes in the place of time steps, one for spikes `m`, one for activations `a`; what they hold is a subclass's.

    Attributes:
        windows: that pass while the input arrives, before the first layer's.
        steps: of a window, at which spikes arrive outside training; `None` lets them arrive at any time.
    """

    windows: ClassVar[int]

    def __init__(self, *, in_channels: int) -> None:
        super().__init__(timesteps=2, in_channels=in_channels)
        self.steps: int | None = None


class SpikePlanes(Planes):
    """A pixel fires at `t = 1 - x`, the brighter the earlier; a black one is silent.

        m = 1 where x > 0, else 0        a = 1 - t = x        with steps: t = ceil((1 - x) steps) / steps

    Shape:
        `[B, C, H, W] -> [2, B, C, H, W]`.

    Args:
        in_channels: C.

    Raises:
        ValueError: x leaves [0, 1].

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Eq 1; the maximum is that of all images, 1,
        and not each image's own.

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


class ValuePlanes(Planes):
    """A pixel is a value and not a spike: the first layer computes with it as a ReLU network would, and is the first to fire.

        m = 0        a = x

    Takes any real values, so normalised images too.

    Shape:
        `[B, C, H, W] -> [2, B, C, H, W]`.

    Args:
        in_channels: C.

    Source: the code of Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, for CIFAR.

    Example:
        >>> ValuePlanes(in_channels=1)(torch.tensor([1.5, -0.25]).view(1, 1, 1, 2)).flatten(1).tolist()
        [[0.0, 0.0], [1.5, -0.25]]
    """

    windows = 0

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([torch.zeros_like(x), x])

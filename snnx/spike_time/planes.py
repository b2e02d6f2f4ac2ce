"""The input of a network of spike times: for each pixel, whether it fires, and how early or with what value."""

from math import log
from typing import ClassVar

import torch
from torch import Tensor

from snnx.encoding.encoding import Encoding
from snnx.spike_time.readout import NEVER


class Planes(Encoding):
    """The base class of inputs with two planes in place of time steps: `m` for spikes and `a` for activations.

    Shape:
        `[B, C, H, W]` to `[2, B, C, H, W]`.

    Args:
        in_channels: number of channels C of the images.

    Attributes:
        windows: number of windows in which the input arrives, before the first layer's window.
        steps: number of steps in a window at which spikes can arrive, outside training; `None` allows any time.
    """

    windows: ClassVar[int]

    def __init__(self, *, in_channels: int) -> None:
        super().__init__(timesteps=2, in_channels=in_channels)
        self.steps: int | None = None


class SpikePlanes(Planes):
    """Makes each pixel fire at `t = 1 - x`, earlier for a brighter pixel; a black pixel does not fire.

        m = 1 where x > 0, else 0        a = 1 - t = x        with steps: t = ceil((1 - x) steps) / steps

    Shape:
        `[B, C, H, W]` to `[2, B, C, H, W]`.

    Args:
        in_channels: number of channels C of the images.

    Raises:
        ValueError: a value of x is outside [0, 1].

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Eq 1, whose maximum is 1 for all
        images, not each image's own.

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
    """Passes each pixel on as a value; the first layer computes as in a ReLU network, and its neurons are the first to fire.

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


class ExponentialPlanes(Planes):
    """Makes each pixel fire at `t = latest (1 - x)`, a black one too, passed on as `z = exp(t)`.

        m = 1        a = 1 - z = 1 - exp(latest (1 - x))

    Shape:
        `[B, C, H, W]` to `[2, B, C, H, W]`.

    Args:
        in_channels: number of channels C of the images.
        latest: time at which a black pixel fires, in time constants of the current, > 0 and below 11.5, since `z = 100,000`
            says that a neuron does not fire, see `Earliest`.

    Raises:
        ValueError: `latest` is out of range, or a value of x is outside [0, 1].

    Source: the code of Zhou et al., 2021: 3 for its convolutional network, and 2 for the fully connected one.

    Example:
        >>> z = 1 - ExponentialPlanes(in_channels=1, latest=2.0)(torch.tensor([1.0, 0.5, 0.0]).view(1, 1, 1, 3))[1]
        >>> z.flatten().tolist()                                    # 1, e, e^2
        [1.0, 2.71828..., 7.38905...]
    """

    windows = 1

    def __init__(self, *, in_channels: int, latest: float = 3.0) -> None:
        super().__init__(in_channels=in_channels)
        if not 0 < latest < log(NEVER):
            raise ValueError(f"ExponentialPlanes: latest must be positive and below {log(NEVER):.1f}; got {latest}")
        self.latest = float(latest)

    def forward(self, x: Tensor) -> Tensor:
        self.require_range(x)
        return torch.stack([torch.ones_like(x), 1 - (self.latest * (1 - x)).exp()])


class StepPlanes(Planes):
    """Makes each pixel fire at a whole step, earlier for a brighter pixel.

        t = floor(latest (1 - x))        m = 1 where t < steps, else 0        a = 1 - t/steps

    Shape:
        `[B, C, H, W]` to `[2, B, C, H, W]`.

    Args:
        in_channels: number of channels C of the images.
        steps: number of time steps; an input at `steps` does not fire.
        latest: step of a black pixel, from 1 to `steps`; with `latest = steps`, it does not fire.

    Raises:
        ValueError: `steps` is below 4, `latest` is out of range, or a value of x is outside [0, 1].

    Source: the code of S4NN, with 256 for both numbers, and of BS4NN, with 256 steps and a black pixel at 255, one step before
        the end.

    Example:
        >>> planes = StepPlanes(in_channels=1, steps=256, latest=256)
        >>> m, a = planes(torch.tensor([255.0, 254.0, 0.0]).div(255).view(1, 1, 1, 3))
        >>> (256 * (1 - a)).flatten().tolist(), m.flatten().tolist()
        ([0.0, 1.0, 256.0], [1.0, 1.0, 0.0])
    """

    windows = 1

    def __init__(self, *, in_channels: int, steps: int = 256, latest: int = 256) -> None:
        super().__init__(in_channels=in_channels)
        if steps < 4:
            raise ValueError(f"StepPlanes: steps must be at least 4; got {steps}")
        if not 1 <= latest <= steps:
            raise ValueError(f"StepPlanes: latest must be from 1 to steps = {steps}; got {latest}")
        self.whole, self.latest = steps, latest

    def forward(self, x: Tensor) -> Tensor:
        self.require_range(x)
        t = (self.latest * (1 - x) + 1e-3).floor()  # in float32, 255 * (1 - 250/255) is less than 5
        return torch.stack([(t < self.whole).to(x.dtype), 1 - t / self.whole])

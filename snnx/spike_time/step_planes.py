"""Encodes images for S4NN: at most one spike per pixel, at a whole time step."""

import torch
from torch import Tensor

from snnx.spike_time.planes import Planes


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

    def __init__(self, *, in_channels: int, steps: int = 256, latest: int = 256) -> None:
        super().__init__(in_channels=in_channels)
        if steps < 4:
            raise ValueError(f"StepPlanes: steps must be at least 4; got {steps}")
        if not 1 <= latest <= steps:
            raise ValueError(f"StepPlanes: latest must be from 1 to steps = {steps}; got {latest}")
        self.steps, self.latest = steps, latest

    def forward(self, x: Tensor) -> Tensor:
        self.require_range(x)
        t = (self.latest * (1 - x) + 1e-3).floor()  # in float32, 255 * (1 - 250/255) is less than 5
        return torch.stack([(t < self.steps).to(x.dtype), 1 - t / self.steps])

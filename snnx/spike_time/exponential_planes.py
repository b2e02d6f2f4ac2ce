"""Encodes images for neurons whose synaptic currents decay exponentially: one spike per pixel."""

from math import log

import torch
from torch import Tensor

from snnx.spike_time.earliest import NEVER
from snnx.spike_time.planes import Planes


class ExponentialPlanes(Planes):
    """Makes each pixel fire at `t = latest (1 - x)`, also a black one, and passes the time on as `z = exp(t)`.

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

    def __init__(self, *, in_channels: int, latest: float = 3.0) -> None:
        super().__init__(in_channels=in_channels)
        if not 0 < latest < log(NEVER):
            raise ValueError(f"ExponentialPlanes: latest must be positive and below {log(NEVER):.1f}; got {latest}")
        self.latest = float(latest)

    def forward(self, x: Tensor) -> Tensor:
        self.require_range(x)
        return torch.stack([torch.ones_like(x), 1 - (self.latest * (1 - x)).exp()])

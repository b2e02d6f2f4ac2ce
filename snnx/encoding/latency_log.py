"""Latency coding, logarithmic: as the retina maps brightness to delay."""

import math

from torch import Tensor

from snnx.encoding.spike_at import spike_at
from snnx.encoding.temporal import Temporal


class LatencyLog(Temporal):
    """One spike a pixel; dim pixels are spread over most of the steps.

        t_f = round(-ln(x + (1 - x) * exp(-(T - 1)))),  ties to even

    This is SpikingJelly's `T - 1 - ln(A*x + 1)` with `A = exp(T - 1) - 1`, written so that A cannot overflow when T is
    large. x = 1 gives 0 and x = 0 gives T - 1, where `silent_value=0` keeps it silent.

    Shape:
        `[B, C, H, W] -> [T, B, C, H, W]`, values 0 and 1.

    Args:
        timesteps: T, at least 1.
        in_channels: C.
        silent_value: 0, 1 or None: the intensity that does not fire.

    Raises:
        ValueError: x leaves [0, 1].

    Source:
        SpikingJelly's `LatencyEncoder(T, "log")`; named in On the Future of Training Spiking Neural Networks.

    Example:
        >>> import torch
        >>> latency = LatencyLog(timesteps=3, in_channels=3, silent_value=0)  # -ln(0.3 + 0.7 * exp(-2)) = 0.93
        >>> latency(torch.tensor([1.0, 0.3, 0.0]).view(1, 3, 1, 1)).flatten(1).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """

    def code(self, x: Tensor) -> Tensor:
        last = self.timesteps - 1
        times = -(x + (1 - x) * math.exp(-last)).log()
        return spike_at(times.round().clamp(max=last), self.timesteps)  # clamp: exp(-last) is 0 beyond some 100 steps

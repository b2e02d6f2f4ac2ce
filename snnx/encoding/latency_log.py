"""Logarithmic latency coding: the delay of the spike falls with the logarithm of brightness, as in the retina."""

import math

from torch import Tensor

from snnx.encoding.spike_at import spike_at
from snnx.encoding.temporal import Temporal


class LatencyLog(Temporal):
    """Encodes a pixel by one spike, which comes earlier for a brighter pixel; dark pixels are spread over most of the steps.

        t_f = round(-ln(x + (1 - x) * exp(-(T - 1)))),  ties to even

    This equals SpikingJelly's `T - 1 - ln(A*x + 1)` with `A = exp(T - 1) - 1`, in a form in which A cannot overflow for large
    T. A pixel of 1 fires at 0 and a pixel of 0 at T - 1, unless `silent_value=0` keeps it silent.

    Shape:
        `[B, C, H, W]` to `[T, B, C, H, W]`, values 0 and 1.

    Args:
        timesteps: number of steps T, at least 1.
        in_channels: number of channels C of the images.
        silent_value: value of the pixels that do not fire: 0, 1, or `None` if all may fire.

    Raises:
        ValueError: `timesteps` is below 1, `silent_value` is not allowed, or a value of x is outside [0, 1].

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
        return spike_at(times.round().clamp(max=last), self.timesteps)  # beyond about 100 steps exp(-last) is 0

"""Latency coding, inverse: the delay is proportional to 1/brightness."""

from torch import Tensor

from snnx.encoding.spike_at import spike_at
from snnx.encoding.temporal import Temporal


class LatencyInverse(Temporal):
    """One spike a pixel if it comes in time; the brighter, the earlier.

        t_f = ceil(1 / x) - 1,  no spike if t_f > T - 1

    Coarse when T is small: half of all intensities share t_f = 0, and everything below 1/T is silent, a pixel of 0
    always, whatever `silent_value` says.

    Shape:
        `[B, C, H, W] -> [T, B, C, H, W]`, values 0 and 1.

    Args:
        timesteps: T, at least 1.
        in_channels: C.
        silent_value: 0, 1 or None: the intensity that does not fire.

    Raises:
        ValueError: x leaves [0, 1].

    Source:
        Direct Training of Spiking Transformers, section 2.4: "delta t = 1/a"; the step is the simplest
        whole-number reading.

    Example:
        >>> import torch
        >>> latency = LatencyInverse(timesteps=3, in_channels=4, silent_value=0)
        >>> latency(torch.tensor([1.0, 0.5, 0.4, 0.3]).view(1, 4, 1, 1)).flatten(1).tolist()
        [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    """

    def code(self, x: Tensor) -> Tensor:
        return spike_at((1 / x).ceil() - 1, self.timesteps)

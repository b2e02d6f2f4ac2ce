"""Inverse latency coding: the delay of the spike is proportional to 1/brightness."""

from torch import Tensor

from snnx.encoding.spike_at import spike_at
from snnx.encoding.temporal import Temporal


class LatencyInverse(Temporal):
    """Encodes a pixel by at most one spike, which comes earlier for a brighter pixel.

        t_f = ceil(1 / x) - 1,  no spike if t_f > T - 1

    The code is coarse: of the 256 grey levels only the brightest fires at step 0, and about half, all others from 1/2 up, fire
    at step 1. Pixels below 1/T do not fire at all, so a pixel of 0 never fires, whatever `silent_value` is.

    Shape:
        `[B, C, H, W]` to `[T, B, C, H, W]`, values 0 and 1.

    Args:
        timesteps: number of steps T, at least 1.
        in_channels: number of channels C of the images.
        silent_value: value of the pixels that do not fire: 0, 1, or `None` if all may fire.

    Raises:
        ValueError: `timesteps` is below 1, `silent_value` is not allowed, or a value of x is outside [0, 1].

    Source:
        Direct Training of Spiking Transformers, section 2.4: "delta t = 1/a"; rounding up to whole steps is our choice.

    Example:
        >>> import torch
        >>> latency = LatencyInverse(timesteps=3, in_channels=4, silent_value=0)
        >>> latency(torch.tensor([1.0, 0.5, 0.4, 0.3]).view(1, 4, 1, 1)).flatten(1).tolist()
        [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    """

    def code(self, x: Tensor) -> Tensor:
        return spike_at((1 / x).ceil() - 1, self.timesteps)

"""Linear latency coding: the delay of the spike falls linearly with brightness."""

from torch import Tensor

from snnx.encoding.spike_at import spike_at
from snnx.encoding.temporal import Temporal


class LatencyLinear(Temporal):
    """Encodes a pixel by one spike, which comes earlier for a brighter pixel.

        t_f = round((T - 1) * (1 - x)),  ties to even

    With `silent_value=None` it equals SpikingJelly's `LatencyEncoder(T, "linear")`, in which a pixel of 0 fires at T - 1; with
    `silent_value=0` such a pixel does not fire.

    Shape:
        `[B, C, H, W]` to `[T, B, C, H, W]`, values 0 and 1.

    Args:
        timesteps: number of steps T, at least 1.
        in_channels: number of channels C of the images.
        silent_value: value of the pixels that do not fire: 0, 1, or `None` if all may fire.

    Raises:
        ValueError: `timesteps` is below 1, `silent_value` is not allowed, or a value of x is outside [0, 1].

    Source:
        Direct Training of Spiking Transformers, section 2.4: "delta t = 1 - a".

    Example:
        >>> import torch
        >>> latency = LatencyLinear(timesteps=3, in_channels=3, silent_value=0)
        >>> latency(torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1)).flatten(1).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """

    def code(self, x: Tensor) -> Tensor:
        return spike_at(((self.timesteps - 1) * (1 - x)).round(), self.timesteps)

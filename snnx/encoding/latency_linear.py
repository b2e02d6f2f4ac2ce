"""Latency coding, linear: the delay falls linearly with brightness."""

from torch import Tensor

from snnx.encoding.spike_at import spike_at
from snnx.encoding.temporal import Temporal


class LatencyLinear(Temporal):
    """One spike a pixel; the brighter, the earlier.

        t_f = round((T - 1) * (1 - x)),  ties to even

    Equals SpikingJelly's `LatencyEncoder(T, "linear")` with `silent_value=None`; there a pixel of 0 fires at
    T - 1, here `silent_value=0` keeps it silent.

    Shape:
        `[B, C, H, W] -> [T, B, C, H, W]`, values 0 and 1.

    Args:
        timesteps: T, at least 1.
        in_channels: C.
        silent_value: 0, 1 or None: the intensity that does not fire.

    Raises:
        ValueError: x leaves [0, 1].

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

"""Events of a camera are spikes already, so the encoding only moves time to the front."""

from torch import Tensor

from snnx.encoding.encoding import Encoding


class Events(Encoding):
    """Passes event frames on unchanged, one per step.

        X[t] = x[:, t]

    Shape:
        `[B, T, C, H, W]` to `[T, B, C, H, W]`; C = 2 polarities.

    Args:
        timesteps: number of steps T, at least 1.
        in_channels: number of channels C of the frames.

    Raises:
        ValueError: `timesteps` is below 1, or x is not a batch of T frames.

    Source: Fang et al., PLIF, 2021, section 4.1, which feeds frames of events to the network.

    Example:
        >>> import torch
        >>> Events(timesteps=10, in_channels=2)(torch.zeros(3, 10, 2, 34, 34)).shape
        torch.Size([10, 3, 2, 34, 34])
    """

    sample_dims = 4

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 5:
            raise ValueError(f"Events: x must be event frames [B, T, C, H, W]; got {list(x.shape)}; choose an event data set")
        if x.shape[1] != self.timesteps:
            raise ValueError(f"Events: x must have timesteps = {self.timesteps} frames; got {x.shape[1]}")
        return x.transpose(0, 1)

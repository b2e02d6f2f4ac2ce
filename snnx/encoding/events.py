"""What an event camera gives is spikes already: only time moves to the front."""

from torch import Tensor

from snnx.encoding.encoding import Encoding


class Events(Encoding):
    """Event frames as they are, step by step.

        X[t] = x[:, t]

    Shape:
        `[B, T, C, H, W] -> [T, B, C, H, W]`; C = 2 polarities.

    Args:
        timesteps: T, at least 1.
        in_channels: C.

    Raises:
        ValueError: x is no batch of T frames.

    Example:
        >>> import torch
        >>> Events(timesteps=10, in_channels=2)(torch.zeros(3, 10, 2, 34, 34)).shape
        torch.Size([10, 3, 2, 34, 34])
    """

    sample_dims = 4

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 5:
            raise ValueError(f"Events: x must be event frames [B, T, C, H, W]; got {list(x.shape)}; give it an event data set")
        if x.shape[1] != self.timesteps:
            raise ValueError(f"Events: frames must be timesteps={self.timesteps} in number; got {x.shape[1]}")
        return x.transpose(0, 1)

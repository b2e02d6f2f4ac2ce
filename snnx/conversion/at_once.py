"""Feeds the image as a single current at the first time step."""

from torch import Tensor

from snnx.encoding.encoding import Encoding


class AtOnce(Encoding):
    """Feeds T times the image at the first step and 0 at all others.

        X[0] = T x,    X[t] = 0 for t > 0

    The mean over the steps is the image, so a network of integrate-and-fire neurons receives as much as with `Repeat`.

    Shape:
        `[B, C, H, W]` to `[T, B, C, H, W]`.

    Args:
        timesteps: number of steps T, at least 1.
        in_channels: number of channels C of the images.

    Raises:
        ValueError: `timesteps` is below 1.

    Source: Wu et al., Progressive Tandem Learning, 2022. There, the first step gets x, and biases and thresholds are T times
        smaller.

    Example:
        >>> import torch
        >>> AtOnce(timesteps=3, in_channels=1)(torch.full((1, 1, 1, 1), 0.5)).flatten().tolist()
        [1.5, 0.0, 0.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        current = x.new_zeros(self.timesteps, *x.shape)
        current[0] = self.timesteps * x
        return current

"""Scores as a sum over time in which earlier steps weigh more, linearly."""

import torch
from torch import Tensor, nn


class TemporalLinear(nn.Module):
    """`score[b, k] = sum over t of (1 - t/T) * y[t, b, k]`, where `y` is a read-out that does not fire.

    Shape:
        `[T, B, K]` to `[B, K]`; of fewer than T steps, the score so far.

    Args:
        timesteps: T, at least 1.

    Raises:
        ValueError: `timesteps` is below 1, or less than the steps that are read.

    Source: ETTFS, section IV-C announces a comparison of linear with exponential weights.

    Example:
        >>> TemporalLinear(timesteps=4)(torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]], [[0.0, 0.0]], [[0.0, 1.0]]])).tolist()
        [[1.0, 1.0]]
    """

    def __init__(self, *, timesteps: int) -> None:
        super().__init__()
        if timesteps < 1:
            raise ValueError(f"TemporalLinear: timesteps must be at least 1; got {timesteps}")
        self.timesteps = timesteps

    def weights(self, y: Tensor) -> Tensor:
        """`1 - t/T` for each step of `y`, `[T]`."""
        if len(y) > self.timesteps:
            raise ValueError(f"TemporalLinear: timesteps must be those of the run, {len(y)} here; got {self.timesteps}")
        return 1 - torch.arange(len(y), dtype=torch.float32, device=y.device) / self.timesteps

    def forward(self, y: Tensor) -> Tensor:
        return torch.einsum("t,tbk->bk", self.weights(y), y.float())

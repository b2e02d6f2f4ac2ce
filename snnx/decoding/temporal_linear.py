"""Scores as a sum over time in which earlier steps weigh more, linearly."""

import torch
from torch import Tensor, nn


class TemporalLinear(nn.Module):
    """`score[b, k] = sum over t of (1 - t/T) * y[t, b, k]`, where `y` is a read-out that does not fire.

    Shape:
        `[T, B, K]` to `[B, K]`.

    Source: ETTFS, section IV-C announces a comparison of linear with exponential weights.

    Example:
        >>> TemporalLinear()(torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]], [[0.0, 0.0]], [[0.0, 1.0]]])).tolist()
        [[1.0, 1.0]]
    """

    def weights(self, y: Tensor) -> Tensor:
        """`1 - t/T` for each step of `y`, `[T]`."""
        return 1 - torch.arange(len(y), dtype=torch.float32, device=y.device) / len(y)

    def forward(self, y: Tensor) -> Tensor:
        return torch.einsum("t,tbk->bk", self.weights(y), y.float())

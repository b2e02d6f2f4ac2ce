"""Scores as a sum over time in which earlier steps weigh more, exponentially."""

import math

import torch
from torch import Tensor, nn


class TemporalWeighted(nn.Module):
    """`score[b, k] = sum over t of gamma^-t * y[t, b, k]`, where `y` is a read-out that does not fire.

    With the base 2 or more a step outweighs all later ones together: `sum over s > t of 2^-s < 2^-t`. With 1 all
    weigh the same. Under autocast the product is made in bfloat16, as all others of the network are: scores then have eight
    bits, and of a few samples in a thousand two are equal, which `Decision` and `AnyTime` take for no answer.

    Shape:
        `[T, B, K]` to `[B, K]`.

    Args:
        gamma: base, at least 1.

    Raises:
        ValueError: `gamma` is below 1.

    Source: ETTFS, Eqs 22 and 23, where the weights fall on output spikes (see `WeightedSpikes`). The paper's base is not known.

    Example:
        >>> TemporalWeighted(gamma=2)(torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]], [[0.0, 1.0]]])).tolist()
        [[1.0, 0.75]]
    """

    def __init__(self, *, gamma: float = 2.0) -> None:
        super().__init__()
        self.gamma = float(gamma)
        if not 1 <= self.gamma < math.inf:
            raise ValueError(
                f"{type(self).__name__}: gamma must be at least 1, so that earlier is more, and finite; got {gamma}"
            )

    def weights(self, y: Tensor) -> Tensor:
        """`gamma^-t` for each step of `y`, `[T]`."""
        return self.gamma ** -torch.arange(len(y), dtype=torch.float32, device=y.device)

    def forward(self, y: Tensor) -> Tensor:
        return torch.einsum("t,tbk->bk", self.weights(y), y.float())

"""A weighted sum of the outputs as scores, with weights that fall exponentially over time."""

import math

import torch
from torch import Tensor, nn


class TemporalWeighted(nn.Module):
    """Weights early steps more, `score[b, k] = sum over t of gamma^-t * y[t, b, k]`; the last layer does not fire.

    With `gamma >= 2`, a step weighs more than all later steps together: `sum over s > t of 2^-s < 2^-t`. With `gamma = 1`, all
    steps weigh the same. Under autocast the products are computed in bfloat16 like all others, so scores have eight bits. For a
    few samples in a thousand two scores are then equal, which `Decision` and `AnyTime` count as no answer.

    Shape:
        `[T, B, K]` to `[B, K]`.

    Args:
        gamma: base of the weights, at least 1.

    Raises:
        ValueError: `gamma` is below 1 or infinite.

    Source: ETTFS, Eqs 22 and 23, which weight output spikes (see `WeightedSpikes`). The paper does not state gamma.

    Example:
        >>> TemporalWeighted(gamma=2)(torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]], [[0.0, 1.0]]])).tolist()
        [[1.0, 0.75]]
    """

    def __init__(self, *, gamma: float = 2.0) -> None:
        super().__init__()
        self.gamma = float(gamma)
        if not 1 <= self.gamma < math.inf:
            raise ValueError(
                f"{type(self).__name__}: gamma must be at least 1 and finite, so that early steps weigh more; got {gamma}"
            )

    def weights(self, y: Tensor) -> Tensor:
        """Return `gamma^-t` for each step of `y`, `[T]`."""
        return self.gamma ** -torch.arange(len(y), dtype=torch.float32, device=y.device)

    def forward(self, y: Tensor) -> Tensor:
        return torch.einsum("t,tbk->bk", self.weights(y), y.float())

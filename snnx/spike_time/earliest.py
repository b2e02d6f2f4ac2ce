"""Computes scores from the spike times of outputs with decaying currents: the earliest class wins."""

import torch
from torch import Tensor, nn

NEVER = 1e5  # z of a neuron that does not fire, in the code of Zhou et al.


class Earliest(nn.Module):
    """Scores a class by how early its neuron fires: `score = -z`; a neuron that does not fire has `z = 100,000`.

    Shape:
        `[2, B, K]` to `[B, K]`.

    Source: the cost of Zhou et al., 2021, is the cross entropy of these scores.

    Example:
        >>> Earliest()(torch.tensor([[[1.0, 0.0]], [[-2.0, -torch.inf]]])).tolist()
        [[-3.0, -100000.0]]
    """

    def forward(self, y: Tensor) -> Tensor:
        fired, activation = y
        return torch.where(fired > 0, (activation - 1).clamp(min=-NEVER), -NEVER)

    def fired(self, y: Tensor) -> Tensor:
        """Return which neurons fire, `[B, K]`, as 0 and 1."""
        return y[0]

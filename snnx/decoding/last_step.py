"""Scores as the read-out of the last step."""

from torch import Tensor, nn


class LastStep(nn.Module):
    """`score[b, k] = y[T-1, b, k]`: what the network says when it has seen everything.

    Shape:
        `[T, B, K]` to `[B, K]`.

    Example:
        >>> import torch
        >>> LastStep()(torch.tensor([[[0.0, 2.0]], [[1.0, 4.0]]])).tolist()
        [[1.0, 4.0]]
    """

    def forward(self, y: Tensor) -> Tensor:
        return y[-1]

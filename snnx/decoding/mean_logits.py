"""The mean of the outputs over time as scores."""

from torch import Tensor, nn


class MeanLogits(nn.Module):
    """Takes the mean over time, `score[b, k] = mean over t of y[t, b, k]`; the last layer does not fire.

    Shape:
        `[T, B, K]` to `[B, K]`.

    Example:
        >>> import torch
        >>> MeanLogits()(torch.tensor([[[0.0, 2.0]], [[1.0, 4.0]]])).tolist()
        [[0.5, 3.0]]
    """

    def forward(self, y: Tensor) -> Tensor:
        return y.mean(0)

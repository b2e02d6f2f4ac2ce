"""The output of the last time step as scores."""

from torch import Tensor, nn


class LastStep(nn.Module):
    """Takes the output of the last step, `score[b, k] = y[T-1, b, k]`.

    Shape:
        `[T, B, K]` to `[B, K]`.

    Example:
        >>> import torch
        >>> LastStep()(torch.tensor([[[0.0, 2.0]], [[1.0, 4.0]]])).tolist()
        [[1.0, 4.0]]
    """

    def forward(self, y: Tensor) -> Tensor:
        return y[-1]

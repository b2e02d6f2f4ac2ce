"""The interface that every option of the group `decoding` follows."""

from typing import Protocol

from torch import Tensor


class Decoding(Protocol):
    """Computes scores from the backbone's outputs; any module with this call works.

    It must accept any number of steps, starting with the first, and return the scores after these steps, because metrics of
    latency ask for them. If it has a state, SpikingJelly's `reset_net` must reset it.

    Shape:
        outputs `[T, B, K]` to scores `[B, K]`; the predicted class has the largest score.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> class Largest(nn.Module):
        ...     def forward(self, y):
        ...         return y.amax(0)
        >>> decoding: Decoding = Largest()
        >>> decoding(torch.tensor([[[0.0, 2.0]], [[1.0, -1.0]]])).tolist()
        [[1.0, 2.0]]
    """

    def __call__(self, y: Tensor) -> Tensor: ...

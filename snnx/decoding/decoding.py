"""What an option of the group `decoding` does."""

from typing import Protocol

from torch import Tensor


class Decoding(Protocol):
    """Scores from what the backbone says at every step: any `nn.Module` that is called so.

    It takes any number of steps from the first one on, and gives the scores so far: metrics of latency ask for those. If it has
    state, `reset_net` of SpikingJelly must reset it.

    Shape:
        outputs `[T, B, K]` to scores `[B, K]`, the greatest of which is the answer.

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

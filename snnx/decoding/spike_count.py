"""The number of spikes of one more neuron layer as scores."""

from collections.abc import Callable

from torch import Tensor, nn


class SpikeCount(nn.Module):
    """Feeds the outputs to one more neuron layer and counts its spikes, `score[b, k] = sum over t of s[t, b, k]`.

    Shape:
        `[T, B, K]` to `[B, K]`, integers from 0 to T.

    Args:
        neuron: makes one neuron layer for input `[T, B, *]`.

    Example:
        >>> import torch
        >>> from snnx.neuron.if_ import IF
        >>> SpikeCount(neuron=IF)(torch.full((4, 1, 2), 0.5)).tolist()
        [[2.0, 2.0]]
    """

    def __init__(self, *, neuron: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.sn = neuron()

    def forward(self, y: Tensor) -> Tensor:
        return self.sn(y).sum(0)

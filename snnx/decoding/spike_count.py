"""The number of spikes of one more neuron layer as scores."""

from collections.abc import Callable

from torch import Tensor, nn


class SpikeCount(nn.Module):
    """Feeds the outputs to one more neuron layer and counts its spikes, or takes their rate.

        score[b, k] = sum over t of s[t, b, k]                  and with rate, divided by T

    Shape:
        `[T, B, K]` to `[B, K]`, integers from 0 to T, or rates from 0 to 1.

    Args:
        neuron: makes one neuron layer for input `[T, B, *]`.
        rate: whether the count is divided by the number of steps, as `loss=rate_mse` expects it.

    Example:
        >>> import torch
        >>> from snnx.neuron.if_ import IF
        >>> x = torch.full((4, 1, 2), 0.5)
        >>> SpikeCount(neuron=IF)(x).tolist(), SpikeCount(neuron=IF, rate=True)(x).tolist()
        ([[2.0, 2.0]], [[0.5, 0.5]])
    """

    def __init__(self, *, neuron: Callable[[], nn.Module], rate: bool = False) -> None:
        super().__init__()
        self.sn = neuron()
        self.rate = rate

    def forward(self, y: Tensor) -> Tensor:
        s = self.sn(y)
        return s.mean(0) if self.rate else s.sum(0)

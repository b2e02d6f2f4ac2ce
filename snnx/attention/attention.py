"""The interfaces that the options of the group `attention` follow: a filter over time, or a map of scores, or both."""

from typing import Protocol

from torch import nn


class MakesTemporal(Protocol):
    """A callable that makes a filter over time; `SelfAttention` has one before q, k and v, and one before its projection.

    The filter is causal, keeps no state between two calls, and treats each sample independently.

    Shape:
        `[T, B, N, D]` to the same.

    Example:
        >>> import torch
        >>> class Delayed(nn.Module):                           # y[t] = (x[t] + x[t-1])/2
        ...     def forward(self, x):
        ...         return (x + torch.cat([torch.zeros_like(x[:1]), x[:-1]])) / 2
        >>> makes: MakesTemporal = Delayed
        >>> makes()(torch.tensor([1.0, 0.0]).view(2, 1, 1, 1)).flatten().tolist()
        [0.5, 0.5]
    """

    def __call__(self) -> nn.Module: ...


class MakesDenoiser(Protocol):
    """A callable that makes a map of attention scores from the number of heads and the width of a head.

    The scores are integers in 0..`head_dim`, since queries and keys are binary. The map treats each pair of tokens on its own.
    A class that sets `needs_spikes = True` is refused before a training that begins without spikes.

    Shape:
        scores `[*, heads, N, N]` to scores of the same shape.

    Example:
        >>> import torch
        >>> class Halved(nn.Module):                            # floor(v/2)
        ...     def __init__(self, heads, head_dim):
        ...         super().__init__()
        ...     def forward(self, scores):
        ...         return (scores / 2).floor()
        >>> makes: MakesDenoiser = Halved
        >>> makes(1, 4)(torch.tensor([[[0.0, 3.0, 4.0]]])).tolist()
        [[[0.0, 1.0, 2.0]]]
    """

    def __call__(self, heads: int, head_dim: int) -> nn.Module: ...

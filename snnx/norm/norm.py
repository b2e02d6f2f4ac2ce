"""The base class of every norm, and the arguments with which a backbone builds one."""

from typing import Protocol

from torch import Tensor, nn


class Norm(nn.Module):
    """The base class of every norm; `forward` gets all time steps at once and keeps the shape.

    A subclass is built from `channels`, `v_threshold` and `meets_sum`, as `MakesNorm` describes. A norm that has parameters for
    each time step also takes `timesteps`, and its YAML says `timesteps: ${timesteps}`.

    Shape:
        `[T, B, C, *]` to the same. Tokens arrive as `[T, B*N, D]`.

    Example:
        >>> import torch
        >>> class Halved(Norm):
        ...     def __init__(self, channels, *, v_threshold, meets_sum):
        ...         super().__init__()
        ...     def forward(self, x):
        ...         return x / 2
        >>> Halved(3, v_threshold=1.0, meets_sum=False)(torch.ones(4, 2, 3)).shape
        torch.Size([4, 2, 3])
    """

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must implement forward(x)")


class MakesNorm(Protocol):
    """A callable with which a backbone makes its norms: a class of the group, or a `partial` of one."""

    def __call__(self, channels: int, *, v_threshold: float, meets_sum: bool) -> nn.Module:
        """Make one norm.

        Args:
            channels: number of channels C of its input.
            v_threshold: threshold of the neurons that read its output, directly or after a sum; 1 if they have none.
            meets_sum: whether its output is added to another tensor before the neurons, as at the end of a residual block.
        """


def threshold_of(neuron: nn.Module) -> float:
    """Return the threshold of a neuron layer as a norm before it is told; 1 for a layer without one.

    Example:
        >>> threshold_of(nn.ReLU())
        1.0
    """
    return float(getattr(neuron, "v_threshold", 1.0))

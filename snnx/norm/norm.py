"""What an option of the group `norm` builds, and how a backbone asks for one."""

from typing import Protocol

from torch import Tensor, nn


class Norm(nn.Module):
    """The base class of every norm: it sees all steps, and keeps the shape.

    A subclass takes `channels`, `v_threshold` and `meets_sum` as `MakesNorm` says. A norm with something of its own for each
    step also takes `timesteps`, and its YAML says `timesteps: ${timesteps}`.

    Shape:
        `[T, B, C, *]` to the same. Tokens come as `[T, B*N, D]`.

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
    """What a backbone is given to make its norms: a class of the group, or a `partial` of one."""

    def __call__(self, channels: int, *, v_threshold: float, meets_sum: bool) -> nn.Module:
        """One norm.

        Args:
            channels: C of what it reads.
            v_threshold: threshold of the neurons that read its output, alone or in a sum; 1 where they have none.
            meets_sum: whether its output is added to another before the neurons read it, as at the end of a residual block.
        """


def threshold_of(neuron: nn.Module) -> float:
    """The threshold that a norm is told of the neurons behind it.

    Example:
        >>> threshold_of(nn.ReLU())
        1.0
    """
    return float(getattr(neuron, "v_threshold", 1.0))

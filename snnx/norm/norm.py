"""The base class of every norm, and the arguments with which a backbone builds one."""

from typing import Protocol

from torch import Tensor, nn


class Norm(nn.Module):
    """The base class of every norm; `forward` gets all time steps at once and keeps the shape.

    A subclass is built from `channels`, `v_threshold` and `meets_sum`, as `MakesNorm` describes. A norm that has parameters for
    each time step also takes `timesteps`, keeps it in an attribute of this name, and its YAML says `timesteps: ${timesteps}`.

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

    timesteps: int | None = None
    """The number of steps for which the norm has parameters; `None` if it takes any number."""

    reads_later_steps: bool = False
    """Whether in a test the output of a step depends on later steps, so that metrics of earlier answers must refuse it."""

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must implement forward(x)")


class MakesNorm(Protocol):
    """A callable with which a backbone makes its norms: a class of the group, or a `partial` of one."""

    def __call__(self, channels: int, *, v_threshold: float | None, meets_sum: bool) -> nn.Module:
        """Make one norm.

        Args:
            channels: number of channels C of its input.
            v_threshold: threshold of the neurons that read its output, directly or after a sum; `None` if they have none.
            meets_sum: whether its output is added to another tensor before the neurons, as at the end of a residual block.
        """


def threshold_of(neuron: nn.Module) -> float | None:
    """Return the threshold of a neuron layer, for the norm in front of it; `None` for a layer without one, such as a ReLU.

    Example:
        >>> from spikingjelly.activation_based.neuron import IFNode
        >>> threshold_of(IFNode(v_threshold=0.5)), threshold_of(nn.ReLU())
        (0.5, None)
    """
    threshold = getattr(neuron, "v_threshold", None)
    return None if threshold is None else float(threshold)


def require_steps(norm: Norm, steps: int) -> None:
    """Reject a number of steps for which a norm has no parameters.

    Raises:
        ValueError: the norm has parameters for each step, and `steps` is not their number.

    Example:
        >>> class EachStep(Norm):
        ...     timesteps = 4
        >>> require_steps(EachStep(), 8)
        Traceback (most recent call last):
        ValueError: EachStep: timesteps must be the number of steps that the network computes, 8; got 4; ...
    """
    if norm.timesteps not in (None, steps):
        raise ValueError(
            f"{type(norm).__name__}: timesteps must be the number of steps that the network computes, {steps}; "
            f"got {norm.timesteps}; leave norm.timesteps as it is, so that it follows timesteps"
        )

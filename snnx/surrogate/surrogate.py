"""The interface that every option of the group `surrogate` follows."""

from typing import Protocol

from torch import Tensor


class Surrogate(Protocol):
    """A neuron's step function with its own slope in backward, for example any of SpikingJelly's surrogates.

        s     = 1 if x >= 0 else 0,   x = h - threshold         forward, exactly
        ds/dx = the surrogate's slope                           backward, finite and never negative

    The parameter that sets how far the slope reaches is called `alpha`. A surrogate of your own is
    fused into the neuron's kernel like the others, if its slope consists of elementwise operations.

    Shape:
        any to the same, in the same dtype.

    Example:
        >>> from spikingjelly.activation_based.surrogate import ATan
        >>> import torch
        >>> surrogate: Surrogate = ATan(alpha=2.0)
        >>> surrogate(torch.tensor([-0.5, 0.0, 0.5])).tolist()
        [0.0, 1.0, 1.0]
    """

    def __call__(self, x: Tensor) -> Tensor: ...

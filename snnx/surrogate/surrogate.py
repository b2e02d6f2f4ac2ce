"""What an option of the group `surrogate` does."""

from typing import Protocol

from torch import Tensor


class Surrogate(Protocol):
    """The step of a neuron, with a slope of its own in backward: SpikingJelly's surrogates, or any module that is called so.

        s     = 1 if x >= 0 else 0,   x = h - threshold         exactly, in forward
        ds/dx = the slope                                       finite, and not negative, in backward

    A width is called `alpha`. A surrogate without a kernel in `snnx/neuron/kernel` makes its neurons run on their definition.

    Shape:
        any to the same, in the same dtype.
    """

    def __call__(self, x: Tensor) -> Tensor: ...

"""Computes input currents from spikes whose value depends on when they are fired."""

from collections.abc import Callable

import torch
from spikingjelly.activation_based.base import MemoryModule
from torch import Tensor

Rhythm = Callable[[int], float]
"""The value of the spikes that a layer fires at a step, counted from 0; 0 at steps at which it does not fire."""


class Dendrite(MemoryModule):
    """Multiplies what a layer computes from spikes by their value, and adds the layer's bias once per presentation.

        current[t] = rhythm(t) * x[t] + (bias if t is a multiple of every, else 0)

    It counts the steps since the last reset, so a run can be simulated in pieces.

    Shape:
        `[T, B, *]` to the same, in float32 or wider.

    Args:
        rhythm: value of a spike of the layer before, by step.
        every: number of steps of a presentation of the image, at least 1.
        bias: `[*]`, or `None` for none.

    Attributes:
        step: number of steps since the last reset.

    Example:
        >>> dendrite = Dendrite(lambda t: 0.5**t, every=2, bias=torch.tensor([10.0]))
        >>> dendrite(torch.ones(3, 1, 1)).flatten().tolist(), dendrite(torch.ones(1, 1, 1)).item()
        ([11.0, 0.5, 10.25], 0.125)
    """

    bias: Tensor | None

    def __init__(self, rhythm: Rhythm, *, every: int, bias: Tensor | None = None) -> None:
        super().__init__()
        self.rhythm, self.every = rhythm, every
        self.register_buffer("bias", bias, persistent=False)
        self.register_memory("step", 0)

    def presentations(self, steps: int) -> Tensor:
        """Return, for each of the next `steps` steps, how many presentations have begun, the present one included."""
        return torch.arange(self.step, self.step + steps).div(self.every, rounding_mode="floor") + 1

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(torch.promote_types(x.dtype, torch.float32))
        steps = range(self.step, self.step + len(x))
        current = x * x.new_tensor([self.rhythm(t) for t in steps]).view(-1, *[1] * (x.ndim - 1))
        if self.bias is not None:
            current[[t % self.every == 0 for t in steps]] += self.bias
        self.step += len(x)
        return current

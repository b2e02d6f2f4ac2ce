"""Neurons whose spikes have a value that depends on the time at which they are fired."""

from math import inf
from typing import NamedTuple

from torch import Tensor

from snnx.conversion.dendrite import Dendrite, Rhythm
from snnx.neuron.node import Node


class Timed(Node):
    """Fires at every step at which its potential reaches the value of a spike at this step, and subtracts this value.

        h[t] = v[t-1] + dendrite(x)[t]
        s[t] = 1[h[t] >= rhythm(t)], or 0 where rhythm(t) is 0
        v[t] = h[t] - rhythm(t)*s[t]

    Its spikes are 0 or 1; the dendrites of the next layer multiply them by their values.

    Args:
        rhythm: value of a spike of this layer, by step.
        dendrite: turns the input into currents; it counts the steps.

    Raises:
        ValueError: `step_mode` is s in a forward.

    Example:
        >>> import torch
        >>> neuron = Timed(lambda t: 0.5**t, Dendrite(lambda t: 1.0, every=4))
        >>> x = torch.tensor([1.25, 0.0, 0.0, 0.0]).view(4, 1, 1)
        >>> neuron(x).flatten().tolist()                                       # 1 + 1/4
        [1.0, 0.0, 1.0, 0.0]
    """

    def __init__(self, rhythm: Rhythm, dendrite: Dendrite) -> None:
        super().__init__(v_reset=None)
        self.rhythm, self.dendrite = rhythm, dendrite
        self._now = 0  # the present step

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return v + x

    def threshold(self, state: NamedTuple) -> Tensor:
        return state.v.new_full((), self.rhythm(self._now) or inf)

    def step(self, x: Tensor, state: NamedTuple) -> tuple[Tensor, Tensor, NamedTuple]:
        h = self.charge(x, state.v)
        s = self.fire(h, state)
        value, self._now = self.rhythm(self._now), self._now + 1
        return h, s, self.State(h - value * s)

    def sequence(self, x: Tensor, state: NamedTuple) -> tuple[Tensor | None, Tensor, NamedTuple]:
        self._now = self.dendrite.step
        return super().sequence(self.dendrite(x), state)

    def single_step_functional_forward(self, inputs: tuple[Tensor], states: tuple[Tensor, ...]):
        """Reject a single step, which SpikingJelly computes in this method."""
        raise ValueError(f"{type(self).__name__}: step_mode must be m, since it computes whole sequences; got s")

    def reset(self) -> None:
        """Forget all spikes and start again at step 0."""
        super().reset()
        self.dendrite.reset()
        self._now = 0


class Once(Timed):
    """Fires at the first step at which its potential reaches the value of a spike, and never again.

        s[t] = 1[h[t] >= rhythm(t)] if it has not fired before, else 0
        v[t] = h[t]

    Example:
        >>> import torch
        >>> neuron = Once(lambda t: 0.5**t, Dendrite(lambda t: 1.0, every=4))
        >>> neuron(torch.tensor([0.3, 0.0, 0.0, 0.0]).view(4, 1, 1)).flatten().tolist()
        [0.0, 0.0, 1.0, 0.0]
    """

    class State(NamedTuple):
        v: Tensor
        fired: Tensor | float = 0.0

    def step(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        h = self.charge(x, state.v)
        s = self.fire(h, state) * (1 - state.fired)
        self._now += 1
        return h, s, self.State(h, state.fired + s)

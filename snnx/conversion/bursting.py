"""The neuron of the burst code: in a row of spikes, each spike has twice the value of the one before."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from snnx.neuron.node import Node


class Bursting(Node):
    """Fires if its potential reaches a threshold that doubles with each spike of a burst, and sends this threshold.

        h[t] = v[t-1] + x[t]
        s[t] = 1[h[t] >= v_threshold*g[t]],    y[t] = g[t]*s[t]
        v[t] = h[t] - v_threshold*y[t]
        g[t+1] = 2*g[t] if it fired, else 1

    Its output is y, in units of `v_threshold`; metrics count the spikes s.

    Args:
        v_threshold: value of the first spike of a burst, > 0.

    Raises:
        ValueError: `step_mode` is s in a forward.

    Source: Park et al., 2019 (burst coding), and the authors' code, seongsikpark/SNN-neural-coding, `lib_snn.py`, `fire_burst`.

    Example:
        >>> neuron = Bursting(v_threshold=0.25)
        >>> neuron(torch.tensor([1.25, 0.0, 0.0, 0.0, 0.0]).view(5, 1)).flatten().tolist()   # 1/2 is below 1: start again
        [1.0, 2.0, 0.0, 1.0, 0.0]
        >>> neuron.v.item()
        0.25
    """

    most_units = math.inf
    """The largest output: it has no bound, since a burst can have any length."""

    class State(NamedTuple):
        v: Tensor
        g: Tensor | float = 1.0

    def __init__(self, *, v_threshold: float) -> None:
        super().__init__(v_threshold=v_threshold, v_reset=None)
        self._sent: list[Tensor] = []

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return v + x

    def threshold(self, state: State) -> Tensor:
        return self.v_threshold * state.g

    def step(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        h = self.charge(x, state.v)
        s = self.fire(h, state)
        self._sent.append(state.g * s)
        return h, s, self.State(h - self.v_threshold * self._sent[-1], 1 + s * (2 * state.g - 1))

    def sequence(self, x: Tensor, state: State) -> tuple[Tensor | None, Tensor, State]:
        self._sent = []
        return super().sequence(x, state)

    def multi_step_functional_forward(self, inputs: tuple[Tensor], states: tuple[Tensor, ...]):
        """Return the values of the spikes, with the signature that SpikingJelly expects."""
        (s,), states = super().multi_step_functional_forward(inputs, states)
        sent, self._sent = torch.stack(self._sent).to(s.dtype), []
        return (sent,), states

    def single_step_functional_forward(self, inputs: tuple[Tensor], states: tuple[Tensor, ...]):
        """Reject a single step, which SpikingJelly computes in this method."""
        raise ValueError(f"{type(self).__name__}: step_mode must be m, since it computes whole sequences; got s")

    def reset(self) -> None:
        """Forget the potential and the burst."""
        super().reset()
        self._sent = []

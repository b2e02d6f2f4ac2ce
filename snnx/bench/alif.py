"""A neuron with two states as a user would write it, for which the project has no code."""

from typing import NamedTuple

from torch import Tensor

from snnx.neuron.lif import LIF


class ALIF(LIF):
    """LIF whose threshold rises with each spike and then decays.

        threshold[t] = v_threshold + b[t-1]
        v[t]         = h[t] - threshold[t]*s[t]
        b[t]         = 0.9*b[t-1] + 0.18*s[t]

    Source: Bellec et al., 2018.
    """

    class State(NamedTuple):
        v: Tensor
        b: Tensor | float = 0.0

    def threshold(self, state: State) -> Tensor:
        return self.v_threshold + state.b

    def step(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        h = self.charge(x, state.v)
        s = self.fire(h, state)
        return h, s, self.State(v=h - self.threshold(state) * s, b=0.9 * state.b + 0.18 * s)

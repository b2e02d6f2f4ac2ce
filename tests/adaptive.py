"""A neuron with a second state and an adaptive threshold, written as a user would."""

from typing import NamedTuple

from torch import Tensor

from snnx.neuron.lif import LIF


class ALIF(LIF):
    """LIF whose threshold rises with every spike and then decays (Bellec et al., 2018).

    threshold[t] = v_threshold + beta * b[t-1]
    v[t]         = h[t] - threshold[t] * s[t]
    b[t]         = rho * b[t-1] + (1 - rho) * s[t]
    """

    class State(NamedTuple):
        v: Tensor
        b: Tensor | float = 0.0

    def __init__(
        self, *, beta: float = 1.8, rho: float = 0.9, tau: float = 2.5, v_threshold: float = 1.0, surrogate=None
    ) -> None:
        super().__init__(tau=tau, v_threshold=v_threshold, v_reset=None, surrogate=surrogate)
        self.beta, self.rho = float(beta), float(rho)

    def threshold(self, state: State) -> Tensor:
        return self.v_threshold + self.beta * state.b

    def step(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        h = self.charge(x, state.v)
        s = self.fire(h, state)
        return h, s, self.State(v=h - self.threshold(state) * s, b=self.rho * state.b + (1 - self.rho) * s)

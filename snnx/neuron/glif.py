"""The gated leaky integrate-and-fire neuron, which learns a mixture of two leaks, two resets and two ways to read its input."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snnx.neuron.node import Node
from snnx.surrogate.surrogate import Surrogate


class GLIF(Node):
    """LIF whose three gates and five constants are learned: one `conduct` for each time step, and one of all others per layer.

        keep = 1 - alpha*(1 - tau)
        h[t] = keep*h[t-1]*(1 - gamma*s[t-1]) - (1 - alpha)*linear_decay - (1 - gamma)*v_subreset*s[t-1]
               + x[t]*(1 - beta*(1 - conduct[t]))
        s[t] = 1 if h[t] >= v_threshold else 0

    `alpha` mixes exponential and linear decay, `gamma` the hard reset to 0 and the subtraction of `v_subreset`, and `beta` the
    input as it is and the input weighted by the time step. All lie in (0, 1): each is the sigmoid of its parameter. The
    gates begin at random near 1/2, between 0.475 and 0.525. The state `v` is the potential before the reset.

    Shapes are those of `Node`. A sequence has at most `timesteps` steps; without a reset, `conduct` begins again after these.

    Args:
        timesteps: number of time steps, at least 1; `conduct` has a value for each.
        tau: share of the potential that remains after a step, in (0, 1), at the start of training.
        v_threshold: threshold, in (0, 1), at the start of training; `v_subreset` starts there, too.
        conduct: weight of the input at each step, in (0, 1), at the start of training.
        surrogate: see `Node`.

    Raises:
        ValueError: an argument leaves its range, or the input has more than `timesteps` steps.

    Source: Yao et al., GLIF: A Unified Gated Leaky Integrate-and-Fire Neuron for Spiking Neural Networks, 2022; the form of
        SpikingJelly's `GatedLIFNode`, with its start of `linear_decay` at `v_threshold / (2*timesteps)`, but
        for input of any shape.

    Example:
        >>> neuron = GLIF(timesteps=3)
        >>> for gate in (neuron.alpha, neuron.beta, neuron.gamma):
        ...     _ = gate.data.fill_(0.0)                       # all gates are 1/2
        >>> neuron(torch.tensor([[0.8], [0.8], [0.8]])).flatten().tolist()     # h: 0.558, 0.484, 0.861
        [1.0, 0.0, 1.0]
    """

    class State(NamedTuple):
        v: Tensor
        s: Tensor | float = 0.0
        t: Tensor | float = 0.0

    def __init__(
        self,
        *,
        timesteps: int,
        tau: float = 0.25,
        v_threshold: float = 0.5,
        conduct: float = 0.5,
        surrogate: Surrogate | None = None,
    ) -> None:
        if timesteps < 1:
            raise ValueError(f"GLIF: timesteps must be at least 1; got {timesteps}")
        for name, value in (("tau", tau), ("v_threshold", v_threshold), ("conduct", conduct)):
            if not 0 < float(value) < 1:
                raise ValueError(f"GLIF: {name} must be between 0 and 1; got {value}")
        super().__init__(v_threshold=v_threshold, v_reset=None, surrogate=surrogate)
        self.level = _start(v_threshold)
        self.timesteps = timesteps
        self.alpha, self.beta, self.gamma = (nn.Parameter(0.2 * (torch.rand(()) - 0.5)) for _ in range(3))
        self.tau = _start(tau)
        self.linear_decay = _start(v_threshold / (2 * timesteps))
        self.v_subreset = _start(v_threshold)
        self.conduct = nn.Parameter(_start(conduct).data.repeat(timesteps))

    @property
    def v_threshold(self) -> float:
        """The threshold at the start of training; setting it also sets the start of `v_subreset` and `linear_decay`."""
        return self._v_threshold

    @v_threshold.setter
    def v_threshold(self, value: float) -> None:
        if not 0 < float(value) < 1:
            raise ValueError(f"GLIF: v_threshold must be between 0 and 1; got {value}")
        self._v_threshold = float(value)
        if "v_subreset" in self._parameters:
            for start in (self.level, self.v_subreset):
                start.data.fill_(_inverse_sigmoid(value))
            self.linear_decay.data.fill_(_inverse_sigmoid(value / (2 * self.timesteps)))

    def threshold(self, state: State) -> Tensor:
        return self.level.sigmoid()

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        alpha = self.alpha.sigmoid()
        return (1 - alpha * (1 - self.tau.sigmoid())) * v - (1 - alpha) * self.linear_decay.sigmoid() + x

    def step(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        beta, gamma = self.beta.sigmoid(), self.gamma.sigmoid()
        conduct = self.conduct[state.t.flatten()[:1].long() % self.timesteps].sigmoid()
        reset = state.v * (1 - gamma * state.s)
        h = self.charge(x * (1 - beta * (1 - conduct)), reset) - (1 - gamma) * self.v_subreset.sigmoid() * state.s
        s = self.fire(h, state)
        return h, s, self.State(v=h, s=s, t=state.t + 1)

    def sequence(self, x: Tensor, state: State) -> tuple[Tensor | None, Tensor, State]:
        if len(x) > self.timesteps:
            raise ValueError(f"GLIF: input must have at most timesteps = {self.timesteps} steps; got {len(x)}")
        return super().sequence(x, state)


def _start(value: float) -> nn.Parameter:
    """Return a parameter whose sigmoid is this value."""
    return nn.Parameter(torch.tensor(_inverse_sigmoid(value)))


def _inverse_sigmoid(value: float) -> float:
    return math.log(value / (1 - value))

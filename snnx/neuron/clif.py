"""The complementary leaky integrate-and-fire neuron, which keeps a second potential without a threshold."""

from typing import NamedTuple

import torch
from torch import Tensor

from snnx.neuron.lif import time_constant
from snnx.neuron.node import Node
from snnx.surrogate.surrogate import Surrogate


class CLIF(Node):
    """LIF with a complementary potential `m`: it rises with each spike, and raises what the next reset subtracts.

        h[t] = (1 - 1/tau)*v[t-1] + x[t]
        s[t] = 1 if h[t] >= v_threshold else 0
        m[t] = m[t-1]*sigmoid(h[t]/tau) + s[t]
        v[t] = h[t] - s[t]*(v_threshold + sigmoid(m[t]))

    Gradients flow through the reset and through `m`, which has no surrogate in its path over time. Shapes are those of `Node`.

    Args:
        tau: membrane time constant in steps, > 1.
        v_threshold, surrogate: see `Node`; the authors use `surrogate=rectangle`.

    Raises:
        ValueError: `tau` is not above 1, or is infinite.

    Source: Huang et al., CLIF: Complementary Leaky Integrate-and-Fire Neuron for Spiking Neural Networks, 2024; the form of
        SpikingJelly's `ComplementaryLIFNode`.

    Example:
        >>> neuron = CLIF(tau=2.0)
        >>> neuron(torch.tensor([[1.0], [1.0], [2.0]])).flatten().tolist()       # h: 1, 0.63, 2.32
        [1.0, 0.0, 1.0]
        >>> round(neuron.m.item(), 4), round(neuron.v.item(), 4)
        (1.4404, 0.5087)
    """

    class State(NamedTuple):
        v: Tensor
        m: Tensor | float = 0.0

    def __init__(self, *, tau: float = 2.0, v_threshold: float = 1.0, surrogate: Surrogate | None = None) -> None:
        super().__init__(v_threshold=v_threshold, v_reset=None, surrogate=surrogate)
        self.tau = time_constant(self, tau)

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return v - v / self.tau + x

    def step(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        h = self.charge(x, state.v)
        s = self.fire(h, state)
        m = state.m * torch.sigmoid(h / self.tau) + s
        return h, s, self.State(v=h - s * (self.v_threshold + torch.sigmoid(m)), m=m)

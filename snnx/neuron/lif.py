"""The leaky integrate-and-fire neuron, whose charge other neurons use too."""

from math import inf

from torch import Tensor

from snnx.neuron.node import Node
from snnx.surrogate.surrogate import Surrogate


class LIF(Node):
    """Leaky integrate and fire: without input, the potential decays to its rest value with time constant `tau`.

        h[t] = v[t-1] + (x[t] - (v[t-1] - v_rest)) / tau        decay_input
        h[t] = v[t-1] - (v[t-1] - v_rest) / tau + x[t]          not decay_input

    with `v_rest = v_reset`, or 0 for a soft reset. Retention per step is `1 - 1/tau`: the form
    `h = r*v + x` of Direct Training of Spiking Transformers, Eq 1, is `decay_input=False` with `tau = 1/(1 - r)`.
    Fire, reset and shapes are those of `Node`.

    Args:
        tau: membrane time constant in steps, > 1.
        decay_input: whether the input is multiplied by `1/tau` too.
        v_threshold, v_reset, surrogate, detach_reset: see `Node`.

    Raises:
        ValueError: `tau` is not above 1, or is infinite.

    Source: SpikingJelly's LIFNode, with the same equations.

    Example:
        >>> import torch
        >>> LIF(tau=2)(torch.full((4, 1), 1.5)).squeeze().tolist()       # h: 0.75 1.125 0.75 1.125
        [0.0, 1.0, 0.0, 1.0]
        >>> neuron = LIF(tau=2, v_reset=None)
        >>> [(neuron(torch.full((1, 1), 1.5)), neuron.v.item())[1] for _ in range(4)]
        [0.75, 0.125, 0.8125, 0.15625]
    """

    def __init__(
        self,
        *,
        tau: float = 2.0,
        decay_input: bool = True,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        surrogate: Surrogate | None = None,
        detach_reset: bool = False,
    ) -> None:
        super().__init__(v_threshold=v_threshold, v_reset=v_reset, surrogate=surrogate, detach_reset=detach_reset)
        self.tau = time_constant(self, tau)
        self.decay_input = decay_input

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        v_rest = self.v_reset or 0.0
        if self.decay_input:
            return v + (x - (v - v_rest)) / self.tau
        return v - (v - v_rest) / self.tau + x


def time_constant(neuron: Node, tau: float) -> float:
    """Return `tau` as a float, or raise a ValueError if it is not finite and above 1."""
    if not 1 < float(tau) < inf:
        raise ValueError(f"{type(neuron).__name__}: tau must be greater than 1 (in time steps) and finite; got {tau}")
    return float(tau)

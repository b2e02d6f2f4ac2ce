"""The parametric leaky integrate-and-fire neuron, whose time constant is learned."""

import math

import torch
from torch import Tensor, nn

from snnx.neuron.lif import time_constant
from snnx.neuron.node import Node
from snnx.surrogate.surrogate import Surrogate


class PLIF(Node):
    """LIF with one learnable scalar `w` per layer, from which the time constant is computed.

        k    = sigmoid(w),  1/tau = k,  w_0 = -ln(tau - 1)
        h[t] = v[t-1] + (x[t] - (v[t-1] - v_rest)) * k          decay_input
        h[t] = v[t-1] - (v[t-1] - v_rest) * k + x[t]            not decay_input

    Fire, reset and shapes are those of `Node`.

    Args:
        tau: time constant in steps at the start of training, > 1.
        decay_input: whether the input is multiplied by `1/tau` too.
        v_threshold, v_reset, surrogate, detach_reset: see `Node`.

    Raises:
        ValueError: `tau` is not above 1, or is infinite.

    Source: Fang et al., ICCV 2021; Direct Training of Spiking Transformers, Eq 4. The text of the second paper uses `1/k` as
        the retention, which is above 1, so that the potential would diverge; the form above is Fang's and SpikingJelly's.

    Example:
        >>> neuron = PLIF(tau=2.5)
        >>> round(neuron.w.item(), 6), round(1 - neuron.w.sigmoid().item(), 6)
        (-0.405465, 0.6)
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
        self.decay_input = decay_input
        self.w = nn.Parameter(torch.tensor(-math.log(time_constant(self, tau) - 1.0)))

    @property
    def tau(self) -> float:
        """The present time constant, in steps."""
        return 1.0 / self.w.detach().sigmoid().item()

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        v_rest = self.v_reset or 0.0
        if self.decay_input:
            return v + (x - (v - v_rest)) * self.w.sigmoid()
        return v - (v - v_rest) * self.w.sigmoid() + x

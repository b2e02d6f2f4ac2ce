"""The neuron of Hybrid training: it fires one step after its potential has reached the threshold.

In backward, its slope depends on how many steps ago it last fired.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from snnx.neuron.node import Node
from snnx.surrogate.surrogate import Surrogate

NEVER = 999.0
"""Steps since the last spike at the first step: the authors' code begins as if the neuron had fired 1000 steps before."""


class STDB(Node):
    """LIF that fires before it adds the input of the step, and whose slope depends on the time since its last spike.

        s[t]   = 1 if v[t-1] >= v_threshold else 0              h[t] is v[t-1], so each layer delays spikes by one step
        v[t]   = leak*v[t-1] + x[t] - v_threshold*s[t]          the spike is a constant in backward
        age[t] = 1 if s[t] else age[t-1] + 1                    steps since the last spike, 999 at first

        ds/dv  = alpha*exp(-beta*age[t-1]) / v_threshold        by_time
        ds/dv  = slope(v/v_threshold - 1) / v_threshold         not by_time, with the slope of the surrogate

    Shapes are those of `Node`.

    Args:
        leak: share of the potential that remains after one step, in (0, 1].
        v_threshold: see `Node`.
        by_time: whether the slope follows from the time since the last spike (spike-timing dependent backpropagation). The
            authors' README advises against it where training is unstable; `surrogate=damped_triangle` is their alternative.
        alpha: largest slope, > 0.
        beta: decay of the slope per step, >= 0.
        surrogate: see `Node`; used if `by_time` is false.

    Raises:
        ValueError: `leak`, `alpha` or `beta` leaves its range.

    Source: Rathi et al., Hybrid Conversion and Spike Timing Dependent Backpropagation, 2020, and the authors' code,
        nitin-rathi/hybrid-snn-conversion, `self_models/vgg_spiking.py`, which fires only above the threshold.

    Example:
        >>> neuron = STDB()
        >>> neuron(torch.tensor([[1.5], [0.0], [0.5], [0.0]])).flatten().tolist(), neuron.v.item()     # v: 1.5 0.5 1 0
        ([0.0, 1.0, 0.0, 1.0], 0.0)
    """

    class State(NamedTuple):
        v: Tensor
        age: Tensor | float = NEVER

    def __init__(
        self,
        *,
        leak: float = 1.0,
        v_threshold: float = 1.0,
        by_time: bool = True,
        alpha: float = 0.3,
        beta: float = 0.01,
        surrogate: Surrogate | None = None,
    ) -> None:
        if not 0 < float(leak) <= 1:
            raise ValueError(f"STDB: leak must be in (0, 1]; got {leak}")
        if not float(alpha) > 0:
            raise ValueError(f"STDB: alpha must be positive; got {alpha}")
        if not float(beta) >= 0:
            raise ValueError(f"STDB: beta must be at least 0; got {beta}")
        super().__init__(v_threshold=v_threshold, v_reset=None, surrogate=surrogate, detach_reset=True)
        self.leak, self.by_time, self.alpha, self.beta = float(leak), by_time, float(alpha), float(beta)

    def fire(self, h: Tensor, state: State) -> Tensor:
        super().fire(h.detach(), state)  # only records the threshold for metrics; its spikes are not used
        z = h / self.v_threshold - 1
        return _ByTime.apply(z, state.age, self.alpha, self.beta) if self.by_time else self.surrogate_function(z)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        h = state.v
        s = self.fire(h, state)
        fired = s.detach()
        v = self.leak * h + x - self.v_threshold * fired
        return h, s, self.State(v=v, age=torch.where(fired > 0, 1.0, state.age + 1))


class _ByTime(torch.autograd.Function):
    """The step function, with a slope in backward that decays with the time since the last spike."""

    @staticmethod
    def forward(ctx, z: Tensor, age: Tensor, alpha: float, beta: float) -> Tensor:
        ctx.save_for_backward(age)
        ctx.alpha, ctx.beta = alpha, beta
        return (z >= 0).to(z)

    @staticmethod
    def backward(ctx, grad: Tensor):
        (age,) = ctx.saved_tensors
        return grad * ctx.alpha * torch.exp(-ctx.beta * age), None, None, None

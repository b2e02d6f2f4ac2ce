"""The neuron of TSSL-BP: its synapses filter the spikes that arrive, and backward moves the times of its own spikes."""

from math import inf
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from snnx.neuron.lif import time_constant
from snnx.neuron.node import Node
from snnx.norm.none import NoNorm
from snnx.norm.norm import Norm

STEEPEST = 8.0
"""Largest change of a spike's time per change of the potential, and largest exponent of the slope of a silent neuron."""
WIDTH = 0.2
"""Width of the slope of a silent neuron."""


class TSSL(Node):
    """Leaky integrate and fire with a synaptic current, trained by temporal spike sequence learning via backpropagation.

        i[t] = i[t-1] + (x[t] - i[t-1])/tau_s          current of the synapses, which spreads the input over later steps
        h[t] = v[t-1] - v[t-1]/tau + i[t]
        s[t] = 1 if h[t] >= v_threshold else 0
        v[t] = h[t]*(1 - s[t])
        a[t] = a[t-1] + (s[t] - a[t-1])/tau_s          current that its own spikes cause; only backward reads it

    The authors' layers pass `a` on, which the next layer multiplies by its weights `W`. Here they pass the spikes on, and the
    next layer filters what arrives. Since `W a` is the filtered `W s`, both are the same where layers have no bias, no norm and
    no maximum pooling; a training of another network prints a warning. So metrics read spikes, and the input of the first layer
    needs no filter of its own.

    Backward goes from the last step to the first, with `g[t] = dL/ds[t]` and `e[T] = 0`::

        p[t]     = s[t]*max(-1/(h[t] - v[t-1]), -8)                                a spike moves by p[t] if h[t] rises by 1
        d[t]     = -p[t]*g[t] + e[t+1]*((1 - 1/tau)*(1 - s[t]) - h[t]*p[t]/tau)
        e[t]     = s[t]*d[t] + (1 - s[t])*(1 - 1/tau)*e[t+1]
        dL/di[t] = d[t]                       if a[t] >= 1/(4*tau_s), which is so at a spike and for some steps after it
                   g[t]*f/((1 + f)^2 * 0.2)   otherwise, f = exp(clamp((v_threshold - h[t])/0.2, -8, 8))

    The group `surrogate` is not read. Shapes are those of `Node`.

    Args:
        tau: membrane time constant in steps, > 1.
        tau_s: time constant of the synaptic current in steps, >= 1; 1 is no filter.
        v_threshold: see `Node`.

    Raises:
        ValueError: `tau` is not above 1, `tau_s` is below 1, or one of them is infinite.

    Source: Zhang and Li, Temporal Spike Sequence Learning via Backpropagation for Deep Spiking Neural Networks, 2020, and the
        authors' code, stonezwr/TSSL-BP, `functions/tsslbp.py`, which fires only above the threshold.

    Example:
        >>> neuron = TSSL(tau=2, tau_s=2)
        >>> neuron(torch.tensor([[2.0], [0.5], [0.5]])).flatten().tolist(), neuron.v.item()   # h is 1, 0.75 and 1
        ([1.0, 0.0, 1.0], 0.0)
        >>> x = torch.tensor([[2.0], [0.5], [0.0]], requires_grad=True)
        >>> TSSL(tau=2, tau_s=2)(x)[0].sum().backward()
        >>> x.grad.flatten().tolist()                                                         # di[0]/dx[0] is 1/2
        [0.5, 0.0, 0.0]
    """

    class State(NamedTuple):
        v: Tensor
        i: Tensor | float = 0.0
        a: Tensor | float = 0.0

    def __init__(self, *, tau: float = 5.0, tau_s: float = 3.0, v_threshold: float = 1.0) -> None:
        super().__init__(v_threshold=v_threshold)
        if not 1 <= float(tau_s) < inf:
            raise ValueError(f"TSSL: tau_s must be at least 1 (in time steps) and finite; got {tau_s}")
        self.tau, self.tau_s = time_constant(self, tau), float(tau_s)

    def caution(self, network: nn.Module) -> str | None:
        found = []
        for name, module in network.named_modules():
            if isinstance(module, nn.MaxPool2d) or (isinstance(module, Norm) and not isinstance(module, NoNorm)):
                found.append(f"{type(module).__name__} in {name}")
            elif isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
                found.append(f"a bias in {name}")
        if not found:
            return None
        return (
            "TSSL is TSSL-BP only in a network without norm, bias and maximum pooling; "
            f"got {found[0]}, and {len(found) - 1} more: see recipe=tsslbp_cifar10"
        )

    def step(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        i = state.i + (x - state.i) / self.tau_s
        rise = (i - state.v / self.tau).detach()
        h = state.v.detach() + rise
        fired = self.fire(h, state).detach()
        a = state.a + (fired - state.a) / self.tau_s
        s, v = _Moves.apply(i, state.v, rise, h, fired, a, self.tau, self.tau_s, self.v_threshold)
        return h, s, self.State(v=v, i=i, a=a)


class _Moves(torch.autograd.Function):
    """Returns the spikes and the potentials after the reset; backward passes `e` from step to step as the gradient of `v`."""

    @staticmethod
    def forward(
        ctx, i: Tensor, v: Tensor, rise: Tensor, h: Tensor, s: Tensor, a: Tensor, tau: float, tau_s: float, v_threshold: float
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(rise, h, s, a)
        ctx.tau, ctx.tau_s, ctx.v_threshold = tau, tau_s, v_threshold
        return s.clone(), h * (1.0 - s)

    @staticmethod
    @once_differentiable
    def backward(ctx, g: Tensor, e: Tensor):
        rise, h, s, a = ctx.saved_tensors
        kept = 1.0 - 1.0 / ctx.tau
        p = torch.where(s > 0, (-1.0 / rise).clamp(-STEEPEST, 0.0), 0.0)
        d = e * (kept * (1.0 - s) - h * p / ctx.tau) - p * g
        f = ((ctx.v_threshold - h) / WIDTH).clamp(-STEEPEST, STEEPEST).exp()
        silent = g * (f / ((1.0 + f) * (1.0 + f) * WIDTH))
        return torch.where(a < 1.0 / (4.0 * ctx.tau_s), silent, d), d * s + kept * e * (1.0 - s), *[None] * 7

"""The time-to-first-spike neuron: it fires once and is silent ever after."""

from typing import NamedTuple

import torch
from torch import Tensor

from snnx.neuron.lif import LIF, time_constant
from snnx.neuron.node import Node
from snnx.surrogate.surrogate import Surrogate


class TTFS(Node):
    """Integrate and fire with a firing mask instead of a reset: at most one spike per neuron and sample.

        h[t] = v[t-1] + x[t]                                    tau = None; with a tau, the charge of LIF with rest 0
        s[t] = (1 if h[t] >= v_threshold else 0) * (1 - f[t-1])
        f[t] = f[t-1] + s[t],   f[-1] = 0
        v[t] = h[t]

    The potential goes on integrating after the spike; nothing reads it then.

    Args:
        tau: membrane time constant in steps, > 1; `None` does not leak.
        decay_input: with a `tau`, scale the input by `1/tau` too.
        v_threshold, surrogate: see `Node`.
        detach_mask: treat `1 - f` as a constant in backward; otherwise the exact term through it is added.
        force_last_spike: neurons that have not fired by the last step of a sequence fire there; in SpikingJelly's single-step
            mode, which does not know its last step, it does nothing.

    Raises:
        ValueError: `tau` is not above 1, or infinite.

    Source: ETTFS, Eqs 4 to 7. The gradient through the mask is not stated there.

    Example:
        >>> neuron = TTFS()
        >>> neuron(torch.full((5, 1), 0.5)).squeeze().tolist()
        [0.0, 1.0, 0.0, 0.0, 0.0]
        >>> neuron.v.item(), neuron.fired.item()
        (2.5, 1.0)
    """

    class State(NamedTuple):
        v: Tensor
        fired: Tensor | float = 0.0

    def __init__(
        self,
        *,
        tau: float | None = None,
        decay_input: bool = True,
        v_threshold: float = 1.0,
        surrogate: Surrogate | None = None,
        detach_mask: bool = True,
        force_last_spike: bool = False,
    ) -> None:
        super().__init__(v_threshold=v_threshold, v_reset=None, surrogate=surrogate)
        self.tau = None if tau is None else time_constant(self, tau)
        self.decay_input = decay_input
        self.detach_mask = detach_mask
        self.force_last_spike = force_last_spike

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return v + x if self.tau is None else LIF.charge(self, x, v)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        h = self.charge(x, state.v)
        s = self.fire(h, state) * (1.0 - (state.fired.detach() if self.detach_mask else state.fired))
        return h, s, self.State(v=h, fired=state.fired + s)

    def sequence(self, x: Tensor, state: State) -> tuple[Tensor | None, Tensor, State]:
        h, s, state = super().sequence(x, state)
        if self.force_last_spike:
            forced = (1.0 - state.fired).detach()
            s, state = torch.cat([s[:-1], s[-1:] + forced]), state._replace(fired=state.fired + forced)
        return h, s, state


def unfired(s: Tensor) -> Tensor:
    """Where a neuron had not fired before, of its spikes `[T, *]`: up to and with its own, which shuts its mask.

    Example:
        >>> unfired(torch.tensor([0.0, 1.0, 0.0])).tolist()
        [True, True, False]
    """
    return s.cumsum(0) == s

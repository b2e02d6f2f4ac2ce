"""The time-to-first-spike neuron, which fires at most once."""

from typing import NamedTuple

import torch
from torch import Tensor

from snnx.neuron.lif import LIF, time_constant
from snnx.neuron.node import Node
from snnx.surrogate.surrogate import Surrogate


class TTFS(Node):
    """Integrate and fire with a mask instead of a reset, so that each neuron fires at most once per sample.

        h[t] = v[t-1] + x[t]                                    tau = None; with a tau, the charge of LIF with rest 0
        s[t] = (1 if h[t] >= v_threshold else 0) * (1 - f[t-1])
        f[t] = f[t-1] + s[t],   f[-1] = 0
        v[t] = h[t]

    The potential continues to integrate after the spike, but this has no effect.

    Args:
        tau: membrane time constant in steps, > 1; `None` for no leak.
        decay_input: whether the input is multiplied by `1/tau` too, if there is a `tau`.
        v_threshold, surrogate: see `Node`.
        detach_mask: whether backward treats the mask `1 - f` as a constant; if false, the gradient through it is included.
        force_last_spike: whether neurons that have not fired before the last step of a sequence fire there. It has no effect in
            SpikingJelly's single-step mode, in which the last step is not known.

    Raises:
        ValueError: `tau` is not above 1, or is infinite.

    Source: ETTFS, Eqs 4 to 7. The paper does not say whether the gradient flows through the mask.

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

    def complete(self, s: Tensor, state: State) -> tuple[Tensor, State]:
        if self.force_last_spike:
            forced = (1.0 - state.fired).detach()
            s, state = torch.cat([s[:-1], s[-1:] + forced]), state._replace(fired=state.fired + forced)
        return s, state


def unfired(s: Tensor) -> Tensor:
    """Return, for spikes `[T, *]` of neurons that fire once, which steps are not after the spike; its own step is included.

    Example:
        >>> unfired(torch.tensor([0.0, 1.0, 0.0])).tolist()
        [True, True, False]
    """
    return s.cumsum(0) == s

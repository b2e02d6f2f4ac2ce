"""What every spiking neuron of snnx shares: charge, fire, discharge, and a place to watch them from."""

from collections.abc import Callable
from math import inf

import torch
from spikingjelly.activation_based.neuron import BaseNode
from spikingjelly.activation_based.surrogate import ATan, SurrogateFunctionBase
from torch import Tensor


class Node(BaseNode):
    """A SpikingJelly node whose step is written as three plain methods.

    At each step `t`, with `x` the input current and `v` the potential left by the step before::

        h[t] = charge(x[t], v[t-1])                 the neuron's own equation
        s[t] = 1 if h[t] >= v_threshold else 0      backward: the surrogate's slope at h - v_threshold
        v[t] = h*(1 - s) + v_reset*s                hard reset, v_reset a number
        v[t] = h - v_threshold*s                    soft reset, v_reset None

    A new neuron is a subclass with a `charge`; monitors, counters, `reset_net` and exporters of SpikingJelly work on it.
    This definition is the truth that every faster path is tested against.

    Shape:
        input current `[T, B, *]`, spikes of the same shape and dtype. The potential is kept in float32 (float64 for float64
        input) whatever the precision of the input, so that autocast never rounds a membrane.

    Args:
        v_threshold: potential at which the neuron fires, > 0.
        v_reset: potential after a spike, below `v_threshold`; `None` subtracts the threshold instead (soft reset).
        surrogate: the slope used in place of the step's derivative; ArcTan with `alpha = 2` unless given.
        detach_reset: let no gradient flow through the spike inside the reset.

    Raises:
        ValueError: `v_threshold` is not positive and finite, or `v_reset` is not below it.
    """

    def __init__(
        self,
        *,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        surrogate: SurrogateFunctionBase | None = None,
        detach_reset: bool = False,
    ) -> None:
        name = type(self).__name__
        v_threshold = float(v_threshold)
        v_reset = None if v_reset is None else float(v_reset)
        if not 0 < v_threshold < inf:
            raise ValueError(f"{name}: v_threshold must be positive and finite; got {v_threshold}")
        if v_reset is not None and not v_reset < v_threshold:
            raise ValueError(f"{name}: v_reset must be below v_threshold = {v_threshold}, or null; got {v_reset}")
        super().__init__(v_threshold, v_reset, ATan() if surrogate is None else surrogate, detach_reset, step_mode="m")
        self.probe: Callable[[Tensor, Tensor], None] | None = None
        """Called with `h` and `s`, both `[T, B, *]` and detached, after each forward; `None` costs nothing."""
        self.path: str | None = None
        """What ran the last sequence: `numba`, `spikingjelly` or `definition`."""

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        """The potential after the input has come in, before firing."""
        raise NotImplementedError(f"{type(self).__name__} must implement charge(x, v)")

    def fire(self, h: Tensor) -> Tensor:
        """A spike wherever the potential has reached the threshold."""
        return self.surrogate_function(h - self.v_threshold)

    def discharge(self, h: Tensor, s: Tensor) -> Tensor:
        """The potential after the reset."""
        s = s.detach() if self.detach_reset else s
        if self.v_reset is None:
            return h - self.v_threshold * s
        return (1.0 - s) * h + self.v_reset * s

    def step(self, x: Tensor, v: Tensor) -> tuple[Tensor, ...]:
        """One step: `h`, `s`, and what the next step starts from; a neuron with more state than `v` has more of both."""
        h = self.charge(x, v)
        s = self.fire(h)
        return h, s, self.discharge(h, s)

    def single_step_functional_forward(self, inputs: tuple[Tensor], states: tuple[Tensor, ...]):
        """SpikingJelly's contract for one step with explicit state."""
        (x,) = inputs
        _, s, *states = self.step(x, *states)
        return (s.to(x.dtype),), tuple(states)

    def multi_step_functional_forward(self, inputs: tuple[Tensor], states: tuple[Tensor, ...]):
        """SpikingJelly's contract for a whole sequence with explicit state; the place where probes read."""
        from snnx.neuron.kernel.find import find  # on first use: it names the neurons, and numba takes a while to load

        (x,) = inputs
        fused = find(self, x, states[0])
        path = "definition" if fused is None else fused.path
        if path != self.path:  # a module's attribute is slow to set
            self.path = path
        h, s, *states = self.sequence(x, *states) if fused is None else fused.run(x, *states)
        if self.probe is not None:
            self.probe(h, s.detach())
        return (s.to(x.dtype),), tuple(states)

    def sequence(self, x: Tensor, *states: Tensor) -> tuple[Tensor | None, ...]:
        """All steps by the definition: `h` if it is probed, `s`, and the last states."""
        potentials, spikes = [], []
        for x_t in x:
            h, s, *states = self.step(x_t, *states)
            spikes.append(s)
            if self.probe is not None:
                potentials.append(h.detach())
        return torch.stack(potentials) if potentials else None, torch.stack(spikes), *states

    def materialize_states(self, inputs: tuple[Tensor], states: tuple[object, ...], step_mode: str):
        """SpikingJelly's hook that makes the state fit the input; ours is at least float32, and takes no memory while fresh."""
        (x,) = inputs
        shape = x.shape[1:] if step_mode == "m" else x.shape
        dtype = torch.promote_types(x.dtype, torch.float32)

        def fitting(name: str, state: object) -> Tensor:
            if isinstance(state, Tensor) and state.shape == shape:
                return state.to(x.device, dtype)
            return torch.full((), self.get_reset_value(name), dtype=dtype, device=x.device).expand(shape)

        return tuple(fitting(name, state) for name, state in zip(self._memories, states, strict=True))

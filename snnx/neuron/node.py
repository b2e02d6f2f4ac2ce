"""What every spiking neuron of snnx shares: charge, fire, discharge, and a place to watch them from."""

from collections.abc import Callable
from math import inf
from typing import NamedTuple

import torch
from spikingjelly.activation_based.neuron import BaseNode
from spikingjelly.activation_based.surrogate import ATan
from torch import Tensor

from snnx.surrogate.surrogate import Surrogate


class Node(BaseNode):
    """A SpikingJelly node whose step is written as three plain methods.

    At each step `t`, with `x` the input current and `v` the potential left by the step before::

        h[t] = charge(x[t], v[t-1])                 the neuron's own equation
        s[t] = 1 if h[t] >= v_threshold else 0      backward: the surrogate's slope at h - v_threshold
        v[t] = h*(1 - s) + v_reset*s                hard reset, v_reset a number
        v[t] = h - v_threshold*s                    soft reset, v_reset None

    A new neuron is a subclass with a `charge`; monitors, counters, `reset_net` and exporters of SpikingJelly work on it.
    This definition is the truth that every faster path is tested against.

    A neuron that carries more than `v` from step to step names it in a `State` of its own, with the value after a reset as its
    default, and writes a `step`. A threshold that moves is a `threshold`; `fire` compares with it, and metrics ask for it.

    Shape:
        input current `[T, B, *]`, spikes of the same shape and dtype. The potential is kept in float32 (float64 for float64
        input) whatever the precision of the input, so that autocast never rounds a membrane.

    Args:
        v_threshold: potential at which the neuron fires, > 0.
        v_reset: potential after a spike, below `v_threshold`; `None` subtracts the threshold instead (soft reset).
        surrogate: the slope used in place of the step's derivative; ArcTan with `alpha = 2` unless given.
        detach_reset: let no gradient flow through the spike inside the reset.

    Raises:
        ValueError: `v_threshold` is not positive and finite, `v_reset` is not below it, or a field of `State` has no value
            after a reset.

    Example:
        >>> class Adaptive(Node):                                               # b[t] = b[t-1]/2 + s[t]
        ...     class State(NamedTuple):
        ...         v: Tensor
        ...         b: Tensor | float = 0.0
        ...     def charge(self, x, v):
        ...         return v + x
        ...     def threshold(self, state):
        ...         return self.v_threshold + state.b
        ...     def step(self, x, state):
        ...         h = self.charge(x, state.v)
        ...         s = self.fire(h, state)
        ...         return h, s, self.State(v=self.discharge(h, s), b=state.b / 2 + s)
        >>> neuron = Adaptive()
        >>> neuron(torch.ones(5, 1)).flatten().tolist(), neuron.b.item()        # h: 1 1 2 1 2, thresholds: 1 2 1.5 2.25 1.625
        ([1.0, 0.0, 1.0, 0.0, 1.0], 1.3125)
    """

    class State(NamedTuple):
        """What is carried from step to step, by name. A field after `v` has its value after a reset as its default."""

        v: Tensor

    def __init__(
        self,
        *,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        surrogate: Surrogate | None = None,
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
        first, *further = self.State._fields
        if first != "v":
            raise ValueError(f"{name}: the first field of State must be v, the potential; got {first}")
        for field in further:
            if field not in self.State._field_defaults:
                raise ValueError(f"{name}: State.{field} must have a default, which is its value after a reset; got none")
            self.register_memory(field, self.State._field_defaults[field])
        self.probe: Callable[[Tensor, Tensor], None] | None = None
        """Called with `h` and `s`, both `[T, B, *]` and detached, after each forward; `None` costs nothing."""
        self.path: str | None = None
        """What ran the last sequence: `numba`, `spikingjelly` or `definition`."""
        self._compared: list[float | Tensor] | None = None  # the thresholds of the last sequence that was probed, a step each

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        """The potential after the input has come in, before firing."""
        raise NotImplementedError(f"{type(self).__name__} must implement charge(x, v)")

    def threshold(self, state: State) -> float | Tensor:
        """What the potential of a step is compared with, given the state before the step: a number only if it never moves."""
        return self.v_threshold

    def fire(self, h: Tensor, state: State) -> Tensor:
        """A spike wherever the potential has reached the threshold."""
        threshold = self.threshold(state)
        if self.probe is not None and self._compared is not None:
            self._compared.append(threshold.detach().expand_as(h) if isinstance(threshold, Tensor) else threshold)
        return self.surrogate_function(h - threshold)

    def discharge(self, h: Tensor, s: Tensor) -> Tensor:
        """The potential after the reset, by `v_threshold` if it is soft."""
        s = s.detach() if self.detach_reset else s
        if self.v_reset is None:
            return h - self.v_threshold * s
        return (1.0 - s) * h + self.v_reset * s

    def step(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """One step: `h`, `s`, and the state that the next step starts from."""
        h = self.charge(x, state.v)
        s = self.fire(h, state)
        return h, s, self.State(self.discharge(h, s))

    def thresholds(self) -> float | Tensor:
        """What each `h` that the probe was last shown was compared with: a number, or `[T, B, *]` of a threshold that moves.

        Raises:
            ValueError: the neuron has a `step` that compares by itself, so that nobody can know.
        """
        if not self._compared and (self._compared is not None or type(self).threshold is not Node.threshold):
            raise ValueError(
                f"{type(self).__name__}: step must fire through fire(h, state), which knows the threshold of each step; got a "
                "comparison of its own, whose threshold no metric can know"
            )
        if not self._compared:
            return self.v_threshold
        return self._compared[0] if isinstance(self._compared[0], int | float) else torch.stack(self._compared)

    def single_step_functional_forward(self, inputs: tuple[Tensor], states: tuple[Tensor, ...]):
        """SpikingJelly's contract for one step with explicit state."""
        (x,) = inputs
        _, s, state = self.step(x, self.State(*states))
        return (s.to(x.dtype),), tuple(state)

    def multi_step_functional_forward(self, inputs: tuple[Tensor], states: tuple[Tensor, ...]):
        """SpikingJelly's contract for a whole sequence with explicit state; the place where probes read."""
        from snnx.neuron.kernel.find import find  # on first use: it names the neurons, and numba takes a while to load

        (x,) = inputs
        fused = find(self, x, states[0])
        path = "definition" if fused is None else fused.path
        if path != self.path:  # a module's attribute is slow to set
            self.path = path
        if self.probe is not None:
            self._compared = [] if fused is None else None  # a fused way compares with v_threshold
        if fused is None:
            h, s, state = self.sequence(x, self.State(*states))
        else:
            h, s, *state = fused.run(x, *states)
        if self.probe is not None:
            self.probe(h, s.detach())
        return (s.to(x.dtype),), tuple(state)

    def sequence(self, x: Tensor, state: State) -> tuple[Tensor | None, Tensor, State]:
        """All steps by the definition: `h` if it is probed, `s`, and the last state."""
        potentials, spikes = [], []
        for x_t in x:
            h, s, state = self.step(x_t, state)
            spikes.append(s)
            if self.probe is not None:
                potentials.append(h.detach())
        return torch.stack(potentials) if potentials else None, torch.stack(spikes), state

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

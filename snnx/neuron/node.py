"""The base class of all spiking neurons of snnx: charge, fire and discharge, and a probe that lets metrics read them."""

from collections.abc import Callable
from math import inf
from typing import NamedTuple

import torch
from spikingjelly.activation_based.neuron import BaseNode
from spikingjelly.activation_based.surrogate import ATan
from torch import Tensor, nn

from snnx.norm.batch import Batch
from snnx.surrogate.surrogate import Surrogate


class Taken(NamedTuple):
    """A batch norm that a neuron layer computes; in a tuple, torch does not count it as a part of the layer."""

    norm: Batch
    behind: int
    """The number of dimensions behind the channels."""
    residual: nn.Module | None = None
    """The sum between the norm and the layer, if the layer computes it too."""


class Node(BaseNode):
    """A SpikingJelly neuron whose time step consists of three methods: `charge`, `fire` and `discharge`.

    At each step `t`, with `x` the input current and `v` the potential left by the step before::

        h[t] = charge(x[t], v[t-1])                 the neuron's own equation
        s[t] = 1 if h[t] >= v_threshold else 0      backward: the surrogate's slope at h - v_threshold
        v[t] = h*(1 - s) + v_reset*s                hard reset, v_reset a number
        v[t] = h - v_threshold*s                    soft reset, v_reset None

    To define a new neuron, write a subclass with a method `charge`. SpikingJelly's monitors, counters, `reset_net` and
    exporters work with it. These methods define the neuron: every faster implementation is tested against them.

    If a neuron has further state variables besides `v`, it defines its own `State` with a field for each, whose default is the
    value after a reset, and its own `step`. If its threshold changes over time, it overrides `threshold`, which `fire` and the
    metrics call. The example below does both.

    Shape:
        input current `[T, B, *]`, spikes of the same shape and dtype. The potential is stored in float32 (float64 for float64
        input) even if the input has a lower precision, so that autocast never rounds it.

    Args:
        v_threshold: potential at which the neuron fires, > 0.
        v_reset: potential after a spike, below `v_threshold`; with `None` the threshold is subtracted instead (soft reset).
        surrogate: the slope used in place of the step function's derivative; by default ArcTan with `alpha = 2`.
        detach_reset: whether the reset treats the spike as a constant in backward, so that no gradient flows through it.

    Raises:
        ValueError: `v_threshold` is not positive and finite, `v_reset` is not below it, the first field of `State` is not `v`,
            or a further field has no default.

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
        """The state variables of the neuron; each field after `v` has a default, which is its value after a reset."""

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
        """How the last sequence was computed: by `numba` on a CPU, by `triton` on CUDA, or by the `definition`.

        A sequence within a network that torch has compiled leaves it as it was.
        """
        self.unfused: str | None = None
        """Why the last sequence was computed by the definition, if it was."""
        self.norm: Taken | None = None
        """The batch norm in front of this layer, if this layer computes it. See `snnx.neuron.take_norms`."""
        self.ends_at_rest = False
        """Whether, in training, the layer is at rest again after each sequence, and so neither writes nor keeps its last state.

        See `snnx.neuron.end_at_rest`.
        """
        self._compared: list[float | Tensor] | None = None  # the threshold of each step of the last probed sequence

    @property
    def forgets(self) -> bool:
        """Whether nothing reads the last state of a sequence."""
        return self.ends_at_rest and self.training and type(self).complete is Node.complete

    def register_memory(self, name: str, value: object) -> None:
        """Register a field of `State`, as the constructor does for each; SpikingJelly's neurons call this themselves.

        Raises:
            ValueError: `State` has no such field, so `step` would not receive the value.
        """
        if name not in ("v", *self.State._fields):
            raise ValueError(
                f"{type(self).__name__}: {name} must be a field of State, with its value after a reset as the default: each "
                f"field is a memory; got register_memory({name!r}, {value})"
            )
        super().register_memory(name, value)

    def caution(self, network: nn.Module) -> str | None:
        """Return in what a network with these neurons is not what they are published for; a training prints it as a warning."""
        return None

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        """Return the potential `h` after the input has been added and before the neuron fires."""
        raise NotImplementedError(f"{type(self).__name__} must implement charge(x, v)")

    def threshold(self, state: State) -> float | Tensor:
        """Return the threshold of a step from the state before it: a number if the threshold is constant, else a tensor."""
        return self.v_threshold

    def fire(self, h: Tensor, state: State) -> Tensor:
        """Return a spike for each neuron whose potential has reached the threshold."""
        threshold = self.threshold(state)
        if self.probe is not None and self._compared is not None:
            self._compared.append(threshold.detach().expand_as(h) if isinstance(threshold, Tensor) else threshold)
        return self.surrogate_function(h - threshold)

    def discharge(self, h: Tensor, s: Tensor) -> Tensor:
        """Return the potential after the reset; a soft reset subtracts `v_threshold`."""
        s = s.detach() if self.detach_reset else s
        if self.v_reset is None:
            return h - self.v_threshold * s
        return (1.0 - s) * h + self.v_reset * s

    def step(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Compute one time step; return `h`, `s` and the new state."""
        h = self.charge(x, state.v)
        s = self.fire(h, state)
        return h, s, self.State(self.discharge(h, s))

    def thresholds(self) -> float | Tensor:
        """Return the threshold for each `h` that the probe last received: a number, or `[T, B, *]` if the threshold changes.

        Raises:
            ValueError: the neuron's `step` does not call `fire`, so its threshold is not known.
        """
        if not self._compared and (self._compared is not None or type(self).threshold is not Node.threshold):
            raise ValueError(
                f"{type(self).__name__}: step must call fire(h, state), which records the threshold of each step; got a step "
                "that does not, so that metrics cannot read the threshold"
            )
        if not self._compared:
            return self.v_threshold
        return self._compared[0] if isinstance(self._compared[0], int | float) else torch.stack(self._compared)

    def single_step_functional_forward(self, inputs: tuple[Tensor], states: tuple[Tensor, ...]):
        """Compute one step with explicit state, with the signature that SpikingJelly expects."""
        (x,) = inputs
        if self.norm is not None:
            raise RuntimeError(
                f"{type(self).__name__}: step_mode must be m while the layer computes a norm; got s; "
                "call snnx.neuron.take_norms.release_norms(network) first"
            )
        _, s, state = self.step(x.to(states[0].dtype), self.State(*states))
        return (s.to(x.dtype),), tuple(state)

    def multi_step_functional_forward(self, inputs: tuple[Tensor], states: tuple[Tensor, ...]):
        """Compute a whole sequence with explicit state, with the signature that SpikingJelly expects, and call the probe."""
        (x,) = inputs
        compiling = torch.compiler.is_dynamo_compiling()
        if compiling and (found := self.compiled(x, states)) is not None:
            return found
        fused = self.fused(x, states)
        path, unfused = ("definition", fused) if isinstance(fused, str) else (fused.path, None)
        if not compiling and (path, unfused) != (self.path, self.unfused):  # setting an attribute of a module is slow
            self.path, self.unfused = path, unfused
        if self.probe is not None:
            self._compared = []
        if isinstance(fused, str):
            h, s, state = self.sequence(self.normalised(x), self.State(*states))
        else:
            h, threshold, s, *last = fused.run(x, *states)
            state = self.State(*last) if last else None
            if self.probe is not None:
                self._compared = [] if not fused.compares else [self.v_threshold] if threshold is None else [*threshold]
        s, state = self.complete(s, state)
        if self.probe is not None:
            self.probe(h, s.detach())
        if self.forgets:
            state = map(self.get_reset_value, self._memories)
        return (s.to(x.dtype),), tuple(state)

    def fused(self, x: Tensor, states: tuple[Tensor, ...]):
        """Return the fused kernel for a sequence, or the reason why there is none."""
        if type(self).sequence is not Node.sequence:
            return f"{type(self).__name__} has its own method `sequence`"
        from snnx.neuron.kernel.find import find  # here, since numba is slow to import

        return find(self, x, states[0])

    def compiled(self, x: Tensor, states: tuple[Tensor, ...]):
        """Return what a sequence gives, by a kernel that `torch.compile` keeps as it is; `None` if it must trace the steps."""
        if self.probe is not None or type(self).sequence is not Node.sequence or torch.compiler.is_exporting():
            return None
        from snnx.neuron.kernel.registered import compiled_sequence, kernel_of

        if (number := kernel_of(self, x, states)) is None:
            return None
        x = self.normalised(x)
        found = compiled_sequence(self, x, states, number)
        s, state = self.complete(found[0], self.State(*found[1:]))
        return (s.to(x.dtype),), tuple(state)

    def normalised(self, x: Tensor) -> Tensor:
        """Return the output of the norm that this layer computes, with the shortcut that it adds; `x` if there is none."""
        if self.norm is None:
            return x
        norm, behind, residual = self.norm
        if residual is None:
            return norm.normalise_any(x, behind)
        shortcut = residual.fetch()
        return x if shortcut is None else norm.normalise_any(x, behind) + shortcut

    def sequence(self, x: Tensor, state: State) -> tuple[Tensor | None, Tensor, State]:
        """Compute all steps by `step`; return `h` if the neuron is probed (else `None`), `s`, and the last state."""
        potentials, spikes = [], []
        for x_t in x:
            try:
                found = self.step(x_t.to(state.v.dtype), state)
            except RuntimeError as error:
                self._require_no_kept_tensor(x_t.shape, error)
                raise
            if not isinstance(found, tuple) or len(found) != 3:
                got = f"{len(found)} values" if isinstance(found, tuple) else type(found).__name__
                raise ValueError(f"{type(self).__name__}: step must return three values, h, s and the new State; got {got}")
            h, s, state = found
            spikes.append(s)
            if self.probe is not None:
                potentials.append(h.detach())
        return torch.stack(potentials) if potentials else None, torch.stack(spikes), state

    def _require_no_kept_tensor(self, shape: torch.Size, error: RuntimeError) -> None:
        """Raise ValueError if an attribute is a tensor of as many dimensions as a step, but does not have its shape."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor) and value.ndim == len(shape) and value.shape != shape:
                raise ValueError(
                    f"{type(self).__name__}: what a step keeps for the next must be a field of State; got the attribute {name} "
                    f"of shape {list(value.shape)}, which does not fit a step of shape {list(shape)}"
                ) from error

    def complete(self, s: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the spikes and the last state of a sequence, which a neuron may change once all steps are known."""
        return s, state

    def materialize_states(self, inputs: tuple[Tensor], states: tuple[object, ...], step_mode: str):
        """Give the state the shape of the input, as SpikingJelly's hook of this name does.

        Here the state is at least float32, and a fresh state is a single expanded number, which takes no memory.
        """
        (x,) = inputs
        shape = x.shape[1:] if step_mode == "m" else x.shape
        dtype = torch.promote_types(x.dtype, torch.float32)

        def fitting(name: str, state: object) -> Tensor:
            if isinstance(state, Tensor) and state.shape == shape:
                return state.to(x.device, dtype)
            return torch.full((), self.get_reset_value(name), dtype=dtype, device=x.device).expand(shape)

        return tuple(fitting(name, state) for name, state in zip(self._memories, states, strict=True))

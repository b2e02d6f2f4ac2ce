"""Records one time step of a neuron, and its gradient, as a list of elementwise operations.

The step runs once on small tensors while torch reports every operation that it computes, those of autograd included. For a LIF
with a soft reset the list begins::

    a0 = sub(x, v0)         the charge
    a1 = mul(a0, n0)        n0 = 1/tau
    a2 = add(v0, a1)        h
    a3 = sub(a2, n1)        n1 = v_threshold

and ends with the operations of autograd, which lead from `gs` and `gv0`, the gradients of the spike and of the new state, to
the gradients of `x` and `v0`. Every number is given a name, so that a neuron with another `tau` has the same list.
"""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from math import frexp
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.stateless import _reparametrize_module
from torch.utils._python_dispatch import TorchDispatchMode

from snnx.neuron.kernel.rules import RULES

SIDES = (2, 3, 5, 7, 11, 13)
"""Sizes of the tensors that a step is recorded with: all differ, so that mixing neurons changes the shape."""
SAME = {"alias", "detach", "clone", "contiguous", "lift_fresh", "lift_fresh_copy", "view", "_unsafe_view", "expand", "positive"}
"""Operations that change no value; whether they keep the shape is checked for every operation."""
FILLED = {"zeros_like": 0.0, "ones_like": 1.0, "new_zeros": 0.0, "new_ones": 1.0, "zeros": 0.0, "ones": 1.0}


class Untraceable(ValueError):
    """The step has no fused kernel; the message is the reason, in one line."""


class Operation(NamedTuple):
    """`name = kind(*arguments)`, where the arguments are names."""

    name: str
    kind: str
    arguments: tuple[str, ...]
    gradient: bool
    """Whether autograd computes it, so that it may be rounded otherwise."""


class Setting(NamedTuple):
    """`name = function(*arguments)`, computed by torch, once per call."""

    name: str
    function: Callable[..., Tensor]
    arguments: tuple[str, ...]


class Trace(NamedTuple):
    """One step and its gradient.

    The given names are `x`, `v0`, `v1`, ... for the states, `p0`, ... for the parameters, `gs` and `gv0`, ... for the gradients
    of the spike and the new states, and `n0`, ... for the numbers.
    """

    operations: tuple[Operation, ...]
    settings: tuple[Setting, ...]
    """Operations on parameters and numbers alone, such as PLIF's `sigmoid(w)`."""
    numbers: tuple[float, ...]
    parameters: tuple[str, ...]
    h: str
    s: str
    threshold: str | None
    """The threshold of the step if it depends on the state; `None` if it is a number, or unknown."""
    compares: bool
    """Whether the step calls `fire`, so that the threshold is known."""
    states: tuple[str, ...]
    grad_x: str | None
    grad_states: tuple[str | None, ...]
    grad_parameters: tuple[str | None, ...]


def trace(node: nn.Module, dimensions: int) -> Trace:
    """Record `node.step` for neurons that are arranged in this number of dimensions, and its gradient.

    Raises:
        Untraceable: the step has operations that are not elementwise, draws random numbers, or depends on values otherwise.
    """
    shape = tuple(SIDES[i % len(SIDES)] for i in range(dimensions))
    parameters = dict(node.named_parameters()) | dict(node.named_buffers())
    for name, value in parameters.items():
        if value.numel() != 1 or value.dtype != torch.float32:
            kind = str(value.dtype).removeprefix("torch.")
            raise Untraceable(f"{name} is not one float32 number but {list(value.shape)} in {kind}")
    probe, compared = node.probe, node._compared
    node.probe, node._compared = do_nothing, []
    recorder = Recorder(shape)
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autocast("cpu", enabled=False))
        try:
            return record(recorder, node, tuple(parameters))
        except Untraceable:
            raise
        except Exception as error:
            raise Untraceable(
                f"it cannot be traced: {type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            ) from error
        finally:
            node.probe, node._compared = probe, compared


def do_nothing(h: Tensor, s: Tensor) -> None:
    """A probe, so that `fire` keeps the threshold."""


def record(recorder: "Recorder", node: nn.Module, parameters: tuple[str, ...]) -> Trace:
    """Run the step and its gradient under the recorder, and name the results."""
    count, more = len(node.State._fields), len(parameters)
    names = ["x", *(f"v{i}" for i in range(count)), *(f"p{i}" for i in range(more))]
    leaves = [recorder.given(name).requires_grad_() for name in names]
    coming = [recorder.given(name) for name in ("gs", *(f"gv{i}" for i in range(count)))]
    with recorder, _reparametrize_module(node, dict(zip(parameters, leaves[1 + count :], strict=True))):
        h, s, state = node.step(leaves[0], node.State(*leaves[1 : 1 + count]))
        results = [s, *state]
        if not all(isinstance(result, Tensor) for result in (h, *results)):
            raise Untraceable("its step returns a number where a tensor is expected")
        pairs = [(result, g) for result, g in zip(results, coming, strict=True) if result.requires_grad]
        outputs, gradients = [result for result, _ in pairs], [g for _, g in pairs]
        recorder.gradient = True
        found = torch.autograd.grad(outputs, leaves, gradients, allow_unused=True) if outputs else (None,) * len(leaves)
    compared = node._compared[-1] if node._compared else None
    grad_x, *grads = (None if g is None else recorder.name_of(g) for g in found)
    return Trace(
        operations=tuple(recorder.operations),
        settings=tuple(recorder.settings),
        numbers=tuple(recorder.numbers),
        parameters=parameters,
        h=recorder.name_of(h),
        s=recorder.name_of(s),
        threshold=recorder.name_of(compared) if isinstance(compared, Tensor) else None,
        compares=bool(node._compared),
        states=tuple(recorder.name_of(new) for new in state),
        grad_x=grad_x,
        grad_states=tuple(grads[:count]),
        grad_parameters=tuple(grads[count:]),
    )


class Recorder(TorchDispatchMode):
    """Writes down every operation that torch computes while it is active.

    A value is known by its memory: all tensors have one shape, so a view has the value of what it shows, and an operation in
    place gives the memory a new value.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.operations: list[Operation] = []
        self.settings: list[Setting] = []
        self.numbers: list[float] = []
        self.names: dict[int, str] = {}
        self.gradient = False
        self.constant: set[str] = set()
        self.alive: list[Tensor] = []  # memory that is freed could be another value's next

    def given(self, name: str) -> Tensor:
        """Make the tensor of a given name."""
        values = torch.linspace(0.1, 1.1, torch.Size(self.shape).numel()).view(self.shape) if self.shape else torch.tensor(0.6)
        self.remember(values, name)
        if name[0] == "p":
            self.constant.add(name)
        return values

    def remember(self, value: Tensor, name: str) -> None:
        """Let `name` stand for the value."""
        self.alive.append(value)
        self.names[value.untyped_storage()._cdata] = name

    def number(self, value: float) -> str:
        """Return the name of a number."""
        self.numbers.append(float(value))
        name = f"n{len(self.numbers) - 1}"
        self.constant.add(name)
        return name

    def name_of(self, value: Tensor | float) -> str:
        """Return the name of an operand."""
        if isinstance(value, int | float):
            return self.number(value)
        place = value.untyped_storage()._cdata
        if place in self.names:
            return self.names[place]
        if value.numel() != 1:
            raise Untraceable(f"it reads a tensor of shape {list(value.shape)} that is no state")
        return self.number(value.item())

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler here, which takes two seconds

    def __torch_dispatch__(self, target, types, arguments=(), keywords=None):
        keywords = keywords or {}
        packet = target._schema.name.partition("::")[2]
        kind = packet.rstrip("_")
        if torch.Tag.nondeterministic_seeded in target.tags:
            raise Untraceable(f"it draws random numbers ({kind})")
        if kind == "_local_scalar_dense":
            raise Untraceable("it branches on values, or turns them into numbers")
        result = target(*arguments, **keywords)
        if kind in SAME or (kind == "_to_copy" and result.dtype == arguments[0].dtype):
            if isinstance(arguments[0], Tensor) and arguments[0].untyped_storage()._cdata in self.names:
                self.same(kind, arguments[0], result)
        elif kind in FILLED or kind in ("full", "full_like", "new_full", "scalar_tensor", "fill"):
            value = FILLED[kind] if kind in FILLED else arguments[0 if kind == "scalar_tensor" else -1]
            self.remember(result, self.name_of(value))
        else:
            self.write_down(kind, arguments, keywords, result)
        return result

    def same(self, kind: str, value: Tensor, result: Tensor) -> None:
        """Let the result have the name of the value."""
        if result.shape not in (value.shape, torch.Size(self.shape)) or (result.shape != value.shape and value.numel() != 1):
            raise Untraceable(f"{kind} changes the shape, so a neuron may depend on others")
        self.remember(result, self.name_of(value))

    def write_down(self, kind: str, arguments: tuple, keywords: dict, result: object) -> None:
        """Add the operation to the list."""
        if not isinstance(result, Tensor) or result.shape != torch.Size(self.shape):
            raise Untraceable(f"{kind} changes the shape, so a neuron may depend on others")
        if kind == "clamp":
            value, low, high = (*arguments, None)[:3]
            kind = "clamp_max" if low is None else "clamp_min" if high is None else "clamp"
            arguments = (value, *(bound for bound in (low, high) if bound is not None))
        if not all(isinstance(value, Tensor | int | float) for value in arguments):
            raise Untraceable(f"{kind} is not an elementwise operation that a kernel can compute")
        operands = [self.name_of(value) for value in arguments]
        name = f"a{len(self.operations) + len(self.settings)}"
        if all(operand in self.constant for operand in operands):
            self.constant.add(name)
            self.settings.append(Setting(name, partial(getattr(torch.ops.aten, kind), **keywords), tuple(operands)))
        else:
            kind, operands = self.elementwise(kind, arguments, operands, keywords, result.dtype)
            self.operations.append(Operation(name, kind, tuple(operands), self.gradient))
        self.remember(result, name)

    def elementwise(self, kind: str, arguments: tuple, operands: list[str], keywords: dict, dtype: torch.dtype):
        """Return the name of the rule and its operands, or raise Untraceable."""
        if dtype not in (torch.float32, torch.bool):
            raise Untraceable(f"{kind} computes in {str(dtype).removeprefix('torch.')} instead of float32")
        if kind == "_to_copy":
            return f"to {str(dtype).removeprefix('torch.')}", operands
        if kind == "pow" and isinstance(arguments[1], int | float):
            kind, operands = f"pow {arguments[1]:g}", operands[:1]
        divides = kind == "div" and isinstance(arguments[1], int | float)
        if divides and (self.gradient or frexp(arguments[1])[0] == 0.5):  # the reciprocal of a power of two is exact
            return "mul", [operands[0], self.number(1 / arguments[1])]
        if kind not in RULES:
            raise Untraceable(f"{kind} is not an elementwise operation that a kernel can compute")
        if any(value != 1 for value in keywords.values()):
            raise Untraceable(f"{kind} is called with {', '.join(f'{key}={value}' for key, value in keywords.items())}")
        return kind, operands

"""Records one time step of a neuron, and its gradient, as a list of elementwise operations.

The step runs on small tensors while torch reports every operation that it computes, those of autograd included. For a LIF
with `tau=2.5` the list begins::

    a0 = sub(v0, n0)        n0 = v_rest
    a1 = sub(x, a0)
    a2 = div(a1, n1)        n1 = tau
    a3 = add(v0, a2)        h
    a4 = sub(a3, n2)        n2 = v_threshold

and ends with the operations of autograd, which lead from `gs` and `gv0`, the gradients of the spike and of the new state, to
the gradients of `x` and `v0`. Every number is given a name, so that a neuron with another `tau` has the same list.

The step is recorded again with tensors of another shape and with other values. If the list differs, it would be wrong for some
input, and the neuron gets no kernel.
"""

from contextlib import ExitStack, suppress
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.utils.stateless import _reparametrize_module

from snnx.neuron.kernel.operation_recorder import Given, NumbersRefused, Operation, OperationRecorder, Setting, Untraceable
from snnx.neuron.kernel.rules import TRANSCENDENTAL

GIVEN = (
    Given((2, 3, 5, 7, 11, 13), 0.1, 1.1, learns=True),
    Given((23, 17, 7, 3, 2, 5), -50.0, -0.1, learns=True),
    Given((101, 11, 3, 5, 7, 2), -1.0, 50.0, learns=False),
)
"""The tensors with which a step is recorded.

The lengths of a shape all differ, so that an operation that mixes neurons, such as a transposition, gives a result of another
shape and is noticed. The three have other shapes and other values, and the last has no gradient. So a step whose operations or
numbers depend on one of these is noticed.
"""


OURS = ("probe", "_compared")
"""The attributes of a neuron that are set in order to record it."""


class Trace(NamedTuple):
    """One step and its gradient.

    The given names are `x`, `v0`, `v1`, ... for the states, `p0`, ... for the parameters, `gs` and `gv0`, ... for the gradients
    of the spike and the new states, and `n0`, ... for the numbers.
    """

    operations: tuple[Operation, ...]
    settings: tuple[Setting, ...]
    """Operations on parameters, or on parameters and numbers, such as PLIF's `sigmoid(w)`."""
    numbers: tuple[float, ...]
    parameters: tuple[str, ...]
    h: str
    s: str
    threshold: str | None
    """The threshold of the step if it depends on the state; `None` if it is a number, or unknown."""
    compares: bool
    """Whether the step calls `fire`, so that the threshold is known."""
    differentiable: bool
    """Whether the spike has a gradient, which `fire` gives it; it has none if the step compares `h` with a number itself."""
    states: tuple[str, ...]
    grad_x: str | None
    grad_states: tuple[str | None, ...]
    grad_parameters: tuple[str | None, ...]

    @property
    def exact(self) -> bool:
        """Whether a kernel's spikes and states equal the definition's to the last bit."""
        return not any(one.kind in TRANSCENDENTAL for one in self.operations if not one.gradient)


def trace(node: nn.Module, dimensions: int) -> Trace:
    """Record `node.step` for neurons that are arranged in this number of dimensions, and its gradient.

    Raises:
        Untraceable: a parameter is not one float32 number, the step has operations that are not elementwise, draws random
            numbers or keeps something in an attribute, or its operations change with the shape or values of the input.
    """
    parameters = dict(node.named_parameters()) | dict(node.named_buffers())
    for name, value in parameters.items():
        if value.numel() != 1 or value.dtype != torch.float32:
            kind = str(value.dtype).removeprefix("torch.")
            raise Untraceable(f"{name} is not one float32 number but {list(value.shape)} in {kind}")
    before = dict(vars(node))
    node.probe, node._compared = do_nothing, []
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.device("cpu"))  # whatever the default device is
        stack.enter_context(saved_tensors_hooks(keep, keep))  # hides what this step keeps from hooks of the caller
        stack.enter_context(torch.autocast("cpu", enabled=False))
        try:
            found, *others = (record(given, dimensions, node, tuple(parameters)) for given in GIVEN)
            _require_unchanged(node, before)
            for other, given in zip(others, GIVEN[1:], strict=True):
                if not _alike(found, other, whole=given.learns):
                    raise Untraceable(
                        "its operations or numbers depend on a shape, on a value, or on whether a gradient is wanted"
                    )
            return found
        except Exception as error:
            with suppress(Exception):  # the recording may have stopped before the step changed anything
                run_unrecorded(GIVEN[0], dimensions, node)
            _require_unchanged(node, before)
            if isinstance(error, Untraceable):
                raise
            raise Untraceable(
                f"it cannot be traced: {type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            ) from error
        finally:
            for name in _changed(node, before):
                vars(node).pop(name)
                vars(node).update({name: before[name]} if name in before else {})


def _require_unchanged(node: nn.Module, before: dict[str, object]) -> None:
    """Raise Untraceable if the step has changed an attribute of the neuron."""
    if changed := [name for name in _changed(node, before) if name not in OURS]:
        raise Untraceable(f"its step changes {changed[0]}, which no reset restores: keep it in State")


def _changed(node: nn.Module, before: dict[str, object]) -> list[str]:
    """Return the names of the attributes that the step has changed."""
    return [name for name, value in vars(node).items() if name not in before or value is not before[name]]


def keep(tensor: Tensor) -> Tensor:
    return tensor


def do_nothing(h: Tensor, s: Tensor) -> None:
    """A probe that is set during the recording, because `fire` records the threshold only if the neuron is probed."""


def _alike(found: Trace, other: Trace, *, whole: bool) -> bool:
    """Whether two recordings are of the same step; without `whole`, the second one has no gradient, which is not compared."""

    def forward(one: Trace) -> tuple:
        operations = [operation for operation in one.operations if not operation.gradient]
        return (*operations, one.h, one.s, one.threshold, one.compares, one.states)

    if not whole:
        count = len(other.numbers)
        return forward(found) == forward(other) and found.numbers[:count] == other.numbers
    return found._replace(settings=()) == other._replace(settings=()) and [
        (name, function.func, arguments) for name, function, arguments in found.settings
    ] == [(name, function.func, arguments) for name, function, arguments in other.settings]


def run_unrecorded(given: Given, dimensions: int, node: nn.Module) -> None:
    """Run the step once on tensors of this shape, with copies of the parameters and buffers, to see what it changes."""
    shape, copies = given.sides[:dimensions], {name: value.detach().clone() for name, value in node.named_parameters()}
    copies |= {name: value.clone() for name, value in node.named_buffers()}
    with torch.no_grad(), _reparametrize_module(node, copies):
        node.step(torch.full(shape, given.high), node.State(*(torch.full(shape, given.low) for _ in node.State._fields)))


def record(given: Given, dimensions: int, node: nn.Module, parameters: tuple[str, ...]) -> Trace:
    """Run the step and its gradient on tensors of these shapes and values, and name the results."""
    recorder = OperationRecorder(given, dimensions)
    count, more = len(node.State._fields), len(parameters)
    names = ["x", *(f"v{i}" for i in range(count)), *(f"p{i}" for i in range(more))]
    leaves = [recorder.given(name).requires_grad_(given.learns) for name in names]
    coming = [recorder.given(name) for name in ("gs", *(f"gv{i}" for i in range(count)))]
    learns = torch.set_grad_enabled(given.learns)
    with (
        learns,
        NumbersRefused(),
        recorder,
        _reparametrize_module(node, dict(zip(parameters, leaves[1 + count :], strict=True))),
    ):
        h, s, state = node.step(leaves[0], node.State(*leaves[1 : 1 + count]))
        now = dict(node.named_parameters()) | dict(node.named_buffers())
        for name, leaf in zip(parameters, leaves[1 + count :], strict=True):
            if now.get(name) is not leaf:
                raise Untraceable(f"its step changes {name}, which no reset restores: keep it in State")
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
        differentiable=s.requires_grad,
        states=tuple(recorder.name_of(new) for new in state),
        grad_x=grad_x,
        grad_states=tuple(grads[:count]),
        grad_parameters=tuple(grads[count:]),
    )

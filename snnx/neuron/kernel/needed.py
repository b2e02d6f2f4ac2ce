"""Finds the operations of a trace that a result needs, and the values of a step that its gradient needs."""

from collections.abc import Iterable
from itertools import combinations

from snnx.neuron.kernel.operation_recorder import Operation
from snnx.neuron.kernel.trace import Trace

MOST_COMPARED = 2
"""Up to this number of kept values, all choices are compared."""
TRUTHS = {
    "ge",
    "gt",
    "le",
    "lt",
    "eq",
    "ne",
    "logical_not",
    "logical_and",
    "logical_or",
    "bitwise_not",
    "bitwise_and",
    "bitwise_or",
}
SLOW = {"div": 8, "reciprocal": 8, "exp": 16, "sigmoid": 24, "softplus": 40}
"""The cost of an operation in additions, by which the values to keep are chosen."""


def names_in(*chains: Iterable[Operation]) -> set[str]:
    """Return all operands."""
    return {name for chain in chains for operation in chain for name in operation.arguments}


def dependent(operations: Iterable[Operation], names: Iterable[str]) -> set[str]:
    """Return the names that depend on the given ones, which are included."""
    found = set(names)
    for operation in operations:
        if found & set(operation.arguments):
            found.add(operation.name)
    return found


def needed(operations: Iterable[Operation], wanted: Iterable[str | None], given: Iterable[str]) -> list[Operation]:
    """Return the operations, in order, that compute the `wanted` names from the `given` ones."""
    missing, given, chosen = {name for name in wanted if name} - set(given), set(given), []
    for operation in reversed(operations):
        if operation.name in missing:
            chosen.append(operation)
            missing |= set(operation.arguments) - given
    return chosen[::-1]


def what_to_keep(trace: Trace, inputs: list[str], gradients: list[str | None], given: list[str]) -> tuple[str, ...]:
    """Choose the values of a step from which its gradient is computed: as few as possible, then those that save most work.

    The states always suffice, since `x` is read again.
    """
    forward = needed(trace.operations, [trace.h, trace.s, *trace.states], [*inputs, *given])
    values = [*inputs[1:], *(operation.name for operation in forward if operation.kind not in TRUTHS)]
    for count in range(min(len(trace.states), MOST_COMPARED) + 1):
        fitting = []
        for some in combinations(values, count):
            operations = needed(trace.operations, gradients, ["x", *some, *given])
            read = {name for operation in operations for name in operation.arguments} | {name for name in gradients if name}
            if not read & set(inputs[1:]) - set(some):
                fitting.append((sum(SLOW.get(operation.kind, 1) for operation in operations) + ("x" in read), some))
        if fitting:
            return min(fitting)[1]
    return tuple(inputs[1:])

"""Measures the tuples in a pickle without unpickling it."""

import pickletools


def largest_tuple(pickled: bytes) -> int:
    """Return how many values the largest tuple has, with those of the tuples in it, each counted wherever it occurs.

    A pickle can refer to a tuple twice, from another tuple, and so on: 40 times, and 200 bytes stand for 10**12 values. They
    take no memory, but whatever goes through them, such as the hash of a key, never ends and cannot be interrupted.

    Raises:
        ValueError: it is no pickle.
        IndexError: it takes more from its stack than there is.

    Example:
        >>> import pickle
        >>> pair = (1, 2)
        >>> largest_tuple(pickle.dumps([pair, (pair, pair)])), largest_tuple(pickle.dumps({"a": 1}))
        (7, 0)
    """
    stack: list[int | None] = []  # for each value, its values; None for a mark
    memo: dict[int, int | None] = {}
    largest = 0
    for opcode, argument, _ in pickletools.genops(pickled):
        if opcode.name == "MARK":
            stack.append(None)
        elif opcode.name == "MEMOIZE" or "PUT" in opcode.name:
            memo[len(memo) if argument is None else argument] = stack[-1]
        elif "GET" in opcode.name:
            stack.append(memo[argument])
        else:
            taken = _taken(stack, opcode.stack_before)
            size = 1 + sum(taken) if "TUPLE" in opcode.name else 1
            largest = max(largest, size if "TUPLE" in opcode.name else 0)
            stack += [size] * len(opcode.stack_after)
    return largest


def _taken(stack: list[int | None], before: list[pickletools.StackObject]) -> list[int]:
    """Take from the stack what an opcode takes, and return it."""
    taken = []
    if pickletools.markobject in before:
        while (size := stack.pop()) is not None:
            taken.append(size)
        before = before[: before.index(pickletools.markobject)]
    return [*taken, *(stack.pop() or 0 for _ in before)]

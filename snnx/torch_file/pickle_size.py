"""Measures how large a pickle becomes when shared values are copied out, without unpickling it."""

import pickle
import pickletools
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

REFUSED = ("_codecs encode", "builtins bytearray", "__builtin__ bytearray")
"""Functions that torch would call, and with which a few bytes can allocate any amount of memory."""
PLAIN = (
    "NONE", "NEWFALSE", "NEWTRUE", "EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET", "BININT", "BININT1", "BININT2",
    "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINSTRING", "GLOBAL",
)  # fmt: skip
"""Opcodes that put a value on the stack and take none. Of all opcodes, this module knows those that torch reads."""
TAKES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3, "BINPERSID": 1, "REDUCE": 2, "NEWOBJ": 2}
"""For each opcode that makes a value from others, how many it takes."""
ADDS = {"APPEND": 1, "SETITEM": 2, "BUILD": 1}
"""For each opcode that adds values to the one below them, how many it adds."""


class Size(NamedTuple):
    """The size of a pickle when shared values are copied out; see `size_of`."""

    tuples: int
    all: int


class _Value:
    """A value of a pickle: its own size, and the values in it."""

    def __init__(self, own: int, parts: Iterable["_Value"] = (), *, is_tuple: bool = False) -> None:
        self.own, self.parts, self.is_tuple = own, list(parts), is_tuple


def size_of(pickled: bytes | BinaryIO) -> Size:
    """Return the size of the largest tuple of a pickle, and of the whole pickle, counting a shared value wherever it occurs.

    A value can contain another one twice, and that a third one twice, and so on. After 40 such steps, 200 bytes describe 10**12
    values. They take no memory, but a loop over them, as in the hash of a key or in a message that shows them, never ends.
    A number counts as 1, and a text as 1 plus its characters.

    Args:
        pickled: the pickle, or a file that is read up to the end of the pickle.

    Raises:
        pickle.UnpicklingError: it contains an opcode that `torch.load` does not read, calls a function of `REFUSED`, or has a
            value that contains itself.
        ValueError: it is no pickle.
        IndexError, KeyError: it takes more from its stack or its memo than there is.

    Example:
        >>> pair = (1, 2)
        >>> size_of(pickle.dumps([pair, (pair, pair)], protocol=2))
        Size(tuples=7, all=11)
        >>> size_of(pickle.dumps({"a": [1]}, protocol=2))
        Size(tuples=0, all=5)
    """
    stacks: list[list[_Value]] = [[]]  # one below each mark, as torch has it
    memo: dict[int, _Value] = {}
    values: list[_Value] = []
    for opcode, argument, _ in pickletools.genops(pickled):
        name, stack = opcode.name, stacks[-1]
        if name == "GLOBAL" and argument in REFUSED:
            raise pickle.UnpicklingError(f"a call of {argument.split()[1]}")
        if name == "MARK":
            stacks.append([])
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name in ("APPENDS", "SETITEMS"):
            stacks.pop()
            stacks[-1][-1].parts += stack
        elif name in ADDS:
            added = [stack.pop() for _ in range(ADDS[name])]
            stack[-1].parts += added
        elif name == "TUPLE" or name in TAKES or name in PLAIN:
            taken = stacks.pop() if name == "TUPLE" else [stack.pop() for _ in range(TAKES.get(name, 0))]
            length = len(argument) if isinstance(argument, str | bytes) and name != "GLOBAL" else 0
            values.append(_Value(1 + length, taken, is_tuple="TUPLE" in name))
            stacks[-1].append(values[-1])
        elif name not in ("PROTO", "STOP"):
            raise pickle.UnpicklingError(f"the opcode {name}, which torch does not read")
    sizes = _written_out(values)
    tuples = (sizes[value] for value in values if value.is_tuple and value.parts)
    return Size(max(tuples, default=0), max(sizes.values(), default=0))


def _written_out(values: list[_Value]) -> dict[_Value, int]:
    """Return the size of each value with those in it, without recursion, since values may be nested to any depth."""
    sizes: dict[_Value, int] = {}
    begun: set[_Value] = set()
    for value in values:
        todo = [value]
        while todo:
            one = todo[-1]
            if one in sizes:
                todo.pop()
            elif one in begun:
                if any(part not in sizes for part in one.parts):
                    raise pickle.UnpicklingError("a value that contains itself")
                sizes[todo.pop()] = one.own + sum(sizes[part] for part in one.parts)
            else:
                begun.add(one)
                todo += [part for part in one.parts if part not in sizes]
    return sizes

"""Chooses between two values in one instruction; `a if condition else b` may be compiled to a jump."""

from numba import types
from numba.extending import intrinsic


@intrinsic
def choose(typing, condition, a, b):
    """Return `a` where the condition is true, else `b`, both of one type; a loop that jumps is computed one value at a time."""

    def generate(context, builder, signature, arguments):
        return builder.select(*arguments)

    return (a(types.boolean, a, b), generate) if a == b and condition == types.boolean else None

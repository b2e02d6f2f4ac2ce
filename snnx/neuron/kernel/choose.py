"""Chooses between two values without a jump, so that a loop can compute several values at once."""

from numba import types
from numba.extending import intrinsic


@intrinsic
def choose(typing, condition, a, b):
    """Return `a` if the condition is true, else `b`, both of one type; `a if condition else b` may be compiled to a jump."""

    def generate(context, builder, signature, arguments):
        return builder.select(*arguments)

    return (a(types.boolean, a, b), generate) if a == b and condition == types.boolean else None

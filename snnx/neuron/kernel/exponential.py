"""A float32 exponential that compiles to vector instructions, which a call of the C library's `expf` would prevent."""

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, register_jitable

LOG2_E = np.float32(1 / math.log(2))
LN2_HIGH = np.float32(0.693359375)  # has so few bits that n*LN2_HIGH is exact
LN2_LOW = np.float32(math.log(2) - 0.693359375)
ROUND = np.float32(1.5 * 2**23)  # adding it leaves the nearest integer in the low bits of the sum
LOWEST = np.float32(-87.0)
C2, C3, C4, C5, C6 = (np.float32(1 / math.factorial(n)) for n in range(2, 7))
ONE = np.float32(1)

fused = register_jitable(fastmath={"contract"})
"""For slopes only: `a*b + c` may become one instruction, which rounds once; a charge must round twice, as torch does."""


@intrinsic
def bits(typing, value):
    """Return the bits of a float32 as an int32."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@intrinsic
def power_of_two(typing, value):
    """Return 2**n, where n is the integer in the low bits of `value` after `ROUND` was added."""

    def generate(context, builder, signature, arguments):
        biased = builder.add(arguments[0], ir.Constant(ir.IntType(32), 127))
        return builder.bitcast(builder.shl(biased, ir.Constant(ir.IntType(32), 23)), ir.FloatType())

    return types.float32(types.int32), generate


@fused
def exponential(y):
    """Return `exp(y)` for `y <= 0` with a relative error of at most 3e-7; below -87 return `exp(-87)`, which is under 2e-38.

    The equation::

        y = n*ln 2 + r, |r| <= ln(2)/2;   exp(y) = 2^n * (1 + r + r^2/2! + ... + r^6/6!)
    """
    y = LOWEST if y < LOWEST else y  # NaN stays NaN
    shifted = y * LOG2_E + ROUND
    n = shifted - ROUND
    r = (y - n * LN2_HIGH) - n * LN2_LOW
    series = ONE + r * (ONE + r * (C2 + r * (C3 + r * (C4 + r * (C5 + r * C6)))))
    return series * power_of_two(bits(shifted))

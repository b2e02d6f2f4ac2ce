"""A float32 exponential that compiles to vector instructions, which a call of the C library's `expf` would prevent."""

import math

import numpy as np
from numba import types
from numba.extending import intrinsic, register_jitable

from snnx.neuron.kernel.choose import choose
from snnx.neuron.kernel.memory import FLOAT, INT32

LOG2_E = np.float32(1 / math.log(2))
LN2_HIGH = np.float32(0.693359375)  # has so few bits that n*LN2_HIGH is exact
LN2_LOW = np.float32(math.log(2) - 0.693359375)
ROUND = np.float32(1.5 * 2**23)  # adding it leaves the nearest integer in the low bits of the sum
LOWEST, HIGHEST = np.float32(-104), np.float32(89)
"""Below the first, exp(y) is 0 in float32; above the second, it is infinite."""
C2, C3, C4, C5, C6, C7 = (np.float32(1 / math.factorial(n)) for n in range(2, 8))
ONE = np.float32(1)

fused = register_jitable(fastmath={"contract"})
"""`a*b + c` may become one instruction, which rounds once."""


@intrinsic
def scaled(typing, value, shifted):
    """Return `value * 2**n`, where n is the integer in the low bits of `shifted`; in two steps, since 2**128 is no float32."""

    def generate(context, builder, signature, arguments):
        def power_of_two(exponent):
            return builder.bitcast(builder.shl(builder.add(exponent, INT32(127)), INT32(23)), FLOAT)

        n = builder.sub(builder.bitcast(arguments[1], INT32), INT32(int(ROUND.view(np.int32))))
        half = builder.ashr(n, INT32(1))
        return builder.fmul(builder.fmul(arguments[0], power_of_two(half)), power_of_two(builder.sub(n, half)))

    return types.float32(types.float32, types.float32), generate


@fused
def vector_exp(y):
    """Return `exp(y)` with a relative error of at most 2e-7.

    The equation::

        y = n*ln 2 + r, |r| <= ln(2)/2;   exp(y) = 2^n * (1 + r + r^2/2! + ... + r^7/7!)
    """
    y = choose(y < LOWEST, LOWEST, choose(y > HIGHEST, HIGHEST, y))  # NaN stays NaN
    shifted = y * LOG2_E + ROUND
    n = shifted - ROUND
    r = (y - n * LN2_HIGH) - n * LN2_LOW
    series = ONE + r * (ONE + r * (C2 + r * (C3 + r * (C4 + r * (C5 + r * (C6 + r * C7))))))
    return scaled(series, shifted)

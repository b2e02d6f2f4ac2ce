"""Reading and writing of a compiled loop's values by address: float32, or bfloat16 that is converted to float32 when read."""

from collections.abc import Callable
from typing import NamedTuple

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, register_jitable

from snnx.neuron.kernel.memory import FLOAT, INT32, floats

INT16 = ir.IntType(16)


@intrinsic
def halves(typing, address):
    """Return a pointer to the bits of the bfloat16 values at an address."""

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], INT16.as_pointer())

    return types.CPointer(types.uint16)(types.int64), generate


@intrinsic
def widened(typing, bits):
    """Convert bfloat16 to float32: its bits are the upper half of the float32's."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(builder.shl(builder.zext(arguments[0], INT32), INT32(16)), FLOAT)

    return types.float32(types.uint16), generate


@intrinsic
def narrowed(typing, value):
    """Convert float32 to bfloat16: its upper half, rounded to nearest with ties to even, as torch does; NaN stays NaN."""

    def generate(context, builder, signature, arguments):
        bits = builder.bitcast(arguments[0], INT32)
        odd = builder.and_(builder.lshr(bits, INT32(16)), INT32(1))
        rounded = builder.lshr(builder.add(bits, builder.add(odd, INT32(0x7FFF))), INT32(16))
        is_nan = builder.fcmp_unordered("uno", arguments[0], arguments[0])
        return builder.trunc(builder.select(is_nan, INT32(0x7FC0), rounded), INT16)

    return types.uint16(types.float32), generate


@register_jitable
def wide(address):
    return floats(address)


@register_jitable
def narrow(address):
    return halves(address)


@register_jitable
def get_wide(values, i):
    return values[i]


@register_jitable
def put_wide(values, i, value):
    values[i] = value


@register_jitable
def get_narrow(values, i):
    return widened(values[i])


@register_jitable
def put_narrow(values, i, value):
    values[i] = narrowed(value)


class Access(NamedTuple):
    """The functions that find values by address, read them as float32, and write them.

    They are plain functions and not intrinsics, because an intrinsic in a loop's closure has another name in each process, so
    that numba could not use its cache.
    """

    at: Callable
    get: Callable
    put: Callable
    size: int
    """Size of one value in bytes."""


WIDE, NARROW = Access(wide, get_wide, put_wide, 4), Access(narrow, get_narrow, put_narrow, 2)


@intrinsic
def fma(typing, a, b, c):
    """Return `a * b + c`, rounded once, as torch's batch norm computes it."""

    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(FLOAT, [FLOAT] * 3)
        return builder.call(builder.module.declare_intrinsic("llvm.fma", [FLOAT], kind), arguments)

    return types.float32(types.float32, types.float32, types.float32), generate


@register_jitable
def as_it_is(x, scale, shift):
    return x


@register_jitable
def scaled(x, scale, shift):
    return fma(x, scale, shift)


@register_jitable
def scaled_narrow(x, scale, shift):
    return widened(narrowed(fma(x, scale, shift)))


@register_jitable
def plus(a, b):
    return a + b


@register_jitable
def plus_narrow(a, b):
    return widened(narrowed(a + b))

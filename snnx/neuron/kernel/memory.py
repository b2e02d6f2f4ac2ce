"""Memory access for compiled loops: tensors by address, arrays on the stack, and prefetching of cache lines."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, register_jitable

WIDEST = 512
"""Largest number of neurons in a block."""
MOST = 8
"""Largest number of states of a neuron, and of its learned numbers."""
PIECE = 64
"""Number of neurons computed between two prefetches; every block but the last is a multiple of it."""
AHEAD = 2048
"""How many neurons ahead values are prefetched: far enough to arrive in time, and near enough to stay in the cache."""
LINE = 64
"""Size of a cache line in bytes."""

BYTE, FLOAT, DOUBLE, INT32, INT64 = ir.IntType(8), ir.FloatType(), ir.DoubleType(), ir.IntType(32), ir.IntType(64)


@intrinsic
def floats(typing, address):
    """Return a pointer to the float32 values at an address; unlike an array's, its indices are not checked for a sign."""

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], FLOAT.as_pointer())

    return types.CPointer(types.float32)(types.int64), generate


@intrinsic
def integers(typing, address):
    """Return a pointer to the int64 values at an address."""

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], INT64.as_pointer())

    return types.CPointer(types.int64)(types.int64), generate


@intrinsic
def doubles(typing, address):
    """Return a pointer to the float64 values at an address."""

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], DOUBLE.as_pointer())

    return types.CPointer(types.float64)(types.int64), generate


def stack(kind: types.Type, count: int):
    """Make a function that allocates `count` values on the stack, which the compiler knows not to overlap with any tensor."""

    @intrinsic
    def values(typing):
        def generate(context, builder, signature, arguments):
            with builder.goto_entry_block():  # not numba's alloca_once, whose zeros take seconds to compile
                array = builder.alloca(ir.ArrayType(context.get_value_type(kind), count))
            array.align = LINE  # reading a vector that spans two lines takes twice as long
            return builder.bitcast(array, context.get_value_type(kind).as_pointer())

        return types.CPointer(kind)(), generate

    return values


stack_blocks, stack_sums = stack(types.float32, MOST * WIDEST), stack(types.float64, PIECE)
stack_channels = stack(types.float32, WIDEST)


@register_jitable
def load(block, place, address, same, first, count):
    """Copy `count` values of a tensor, from index `first` on, to the block's `place`; with `same` it is one expanded value."""
    source = floats(address)
    if same:
        for i in range(count):
            block[place + i] = source[0]
    else:
        for i in range(count):
            block[place + i] = source[first + i]


@register_jitable
def store(block, place, address, first, count):
    """Copy `count` values from the block's `place` to a tensor, from index `first` on."""
    target = floats(address)
    for i in range(count):
        target[first + i] = block[place + i]


@register_jitable
def fill(block, place, count, value):
    """Write one value `count` times to the block's `place`."""
    for i in range(count):
        block[place + i] = value


@register_jitable
def spread(block, address, channels, inner, start, count):
    """Write the value of its channel to each neuron of a block; `inner` neurons that follow one another share a channel."""
    values, i = floats(address), 0
    while i < count:
        channel = (start + i) // inner % channels
        if inner == 1:
            run = min(channels - channel, count - i)
            for k in range(run):
                block[i + k] = values[channel + k]
        else:
            run = min(inner - (start + i) % inner, count - i)
            for k in range(run):
                block[i + k] = values[channel]
        i += run


def line_fetcher(to_write: int):
    """Make a function that prefetches the cache line at an address for reading or writing; an invalid address is harmless."""

    @intrinsic
    def fetch_line(typing, address):
        def generate(context, builder, signature, arguments):
            pointer = builder.inttoptr(arguments[0], BYTE.as_pointer())
            kind = ir.FunctionType(ir.VoidType(), [pointer.type, INT32, INT32, INT32])
            hint = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], kind)
            nearest, data = 3, 1
            builder.call(hint, [pointer, *(ir.Constant(INT32, n) for n in (to_write, nearest, data))])
            return context.get_dummy_value()

        return types.void(types.int64), generate

    return fetch_line


line_to_read, line_to_write = line_fetcher(0), line_fetcher(1)


@register_jitable
def fetch_to_read(address, first, count, size):
    """Prefetch the values with indices `first` to `first + count` at `address` for reading; each has `size` bytes."""
    for i in range(first * size, (first + count) * size, LINE):
        line_to_read(address + i)


@register_jitable
def fetch_to_write(address, first, count, size):
    """Prefetch the same values for writing."""
    for i in range(first * size, (first + count) * size, LINE):
        line_to_write(address + i)

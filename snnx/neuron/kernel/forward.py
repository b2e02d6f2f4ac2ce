"""The forward loop through time.

The neurons of a layer are independent of one another, so the loop takes a block of them through all steps before it begins the
next block. The state stays in the first-level cache, each input is read once, and each spike is written once. The processor
cannot predict the jump from one step's row to the next, so the loop prefetches each row some time before it is needed. During
the last steps of a block, it prefetches the first rows of the next block.

The equations are the functions of a `Kernel`, which are fixed when the loop is compiled. The number of steps is a variable.
"""

from collections.abc import Callable
from functools import cache

from numba import carray

from snnx.neuron.kernel.compile import SOURCES, compiled
from snnx.neuron.kernel.launch import FIRST, LAST, ROW, SAME, take_block
from snnx.neuron.kernel.memory import (
    AHEAD,
    PIECE,
    WIDEST,
    fetch_to_read,
    fetch_to_write,
    floats,
    integers,
    load,
    spread,
    stack_blocks,
    stack_channels,
    store,
)
from snnx.neuron.kernel.render import Kernel
from snnx.neuron.kernel.values import Access
from snnx.neuron.kernel.values import plus as plus_wide


@cache
def forward(kernel: Kernel, watched: bool, access: Access, normed: Callable, added: Callable | None):
    """Compile the loop that computes `s` and the last states from `x` and the first states.

    If `watched` it also computes `h`, and `threshold` if that changes. `access` gives the data type of `x` and `s`. `normed` is
    the function that normalises an `x`, and `added` the one that adds the other input of a residual sum, if there is one.
    """
    sources = SOURCES
    at, get, put, size = access
    step, constants, states, moving = kernel.step, kernel.load, kernel.states, kernel.moving
    adds, plus = added is not None, added or plus_wide

    def snnx_forward(pointer):
        sources  # noqa: B018
        job = carray(pointer, 1)[0]
        steps, neurons, block = job.steps, job.neurons, job.block
        c = constants(floats(job.constants))
        x, addend, s, h, thresholds = at(job.x), at(job.addend), at(job.s), floats(job.h), floats(job.threshold)
        table, v = integers(job.states), stack_blocks()
        scale, shift = stack_channels(), stack_channels()
        ahead = min(AHEAD // block, steps)
        start = take_block(pointer) * block
        while start < neurons:
            coming = take_block(pointer) * block
            width = min(block, neurons - start)
            for j in range(states):
                load(v, j * WIDEST, table[j * ROW + FIRST], table[j * ROW + SAME], start, width)
            if job.channels:
                spread(scale, job.scale, job.channels, job.inner, start, width)
                spread(shift, job.shift, job.channels, job.inner, start, width)
            for t in range(steps):
                soon = (t + ahead) * neurons + start if t + ahead < steps else (t + ahead - steps) * neurons + coming
                for piece in range(0, width, PIECE):
                    count = min(PIECE, width - piece)
                    now = t * neurons + start + piece
                    fetch_to_read(job.x, soon + piece, count, size)
                    if adds:
                        fetch_to_read(job.addend, soon + piece, count, size)
                    fetch_to_write(job.s, soon + piece, count, size)
                    for i in range(count):
                        current = normed(get(x, now + i), scale[piece + i], shift[piece + i])
                        if adds:
                            current = plus(current, get(addend, now + i))
                        potential, spike, threshold = step(current, v, piece + i, c)
                        put(s, now + i, spike)
                        if watched:
                            h[now + i] = potential
                            if moving:
                                thresholds[now + i] = threshold
            for j in range(states if table[LAST] else 0):
                store(v, j * WIDEST, table[j * ROW + LAST], start, width)
            start = coming

    return compiled(snnx_forward)

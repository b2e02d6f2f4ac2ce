"""The backward loop through time.

For each block of neurons the forward pass is computed again, and the values that the gradient needs are kept in the cache. Then
follows the backward pass. This moves less data than a forward pass that writes all potentials to memory, and only the input has
to be stored.
"""

from collections.abc import Callable
from functools import cache

from numba import carray

from snnx.neuron.kernel.compile import SOURCES, compiled
from snnx.neuron.kernel.constants import ZERO
from snnx.neuron.kernel.launch import FIRST, GRAD_FIRST, GRAD_LAST, ROW, SAME, take_block, take_thread
from snnx.neuron.kernel.memory import (
    AHEAD,
    PIECE,
    WIDEST,
    doubles,
    fetch_to_read,
    fetch_to_write,
    fill,
    floats,
    integers,
    load,
    spread,
    stack_blocks,
    stack_channels,
    stack_sums,
    store,
)
from snnx.neuron.kernel.render import Kernel
from snnx.neuron.kernel.values import Access
from snnx.neuron.kernel.values import plus as plus_wide


@cache
def backward(kernel: Kernel, access: Access, normed: Callable, added: Callable | None):
    """Compile the loop that computes `grad_x` and the gradients of the first states from `grad_s` and those of the last states.

    It also computes the gradient of each learned number, as one sum per block. `access` gives the data type of `x`, `grad_s`
    and `grad_x`. `normed` is the function that normalises an `x`, and `added` the one that adds the other input of a residual
    sum, if there is one. `grad_x` is the gradient of the result, and so of both inputs of the sum.
    """
    sources = SOURCES
    at_address, get, put, size = access
    keep, back, constants = kernel.keep, kernel.back, kernel.load
    adds, plus = added is not None, added or plus_wide
    states, values, learned = kernel.states, kernel.kept, kernel.learned

    def snnx_backward(pointer):
        sources  # noqa: B018
        job = carray(pointer, 1)[0]
        steps, neurons, block = job.steps, job.neurons, job.block
        c = constants(floats(job.constants))
        x, addend = at_address(job.x), at_address(job.addend)
        gs, gx = at_address(job.grad_s), at_address(job.grad_x)
        table, v, g = integers(job.states), stack_blocks(), stack_blocks()
        scale, shift = stack_channels(), stack_channels()
        sums, totals, shares = stack_sums(), doubles(job.grad_learned), stack_blocks()
        kept = floats(job.kept + 4 * values * steps * block * take_thread(pointer))
        ahead = min(AHEAD // block, steps)
        start = take_block(pointer) * block
        while start < neurons:
            coming = take_block(pointer) * block
            width = min(block, neurons - start)
            for j in range(states):
                load(v, j * WIDEST, table[j * ROW + FIRST], table[j * ROW + SAME], start, width)
                if table[j * ROW + GRAD_LAST]:
                    load(g, j * WIDEST, table[j * ROW + GRAD_LAST], False, start, width)
                else:
                    fill(g, j * WIDEST, width, ZERO)
            if job.channels:
                spread(scale, job.scale, job.channels, job.inner, start, width)
                spread(shift, job.shift, job.channels, job.inner, start, width)
            for j in range(learned):
                fill(shares, j * WIDEST, block, ZERO)
            for t in range(steps):
                ending = t + ahead >= steps
                soon = (2 * steps - 1 - t - ahead if ending else t + ahead) * neurons + start
                for piece in range(0, width, PIECE):
                    count = min(PIECE, width - piece)
                    now, at = t * neurons + start + piece, (t * block + piece) * values
                    if ending:
                        fetch_to_read(job.grad_s, soon + piece, count, size)
                        fetch_to_write(job.grad_x, soon + piece, count, size)
                    else:
                        fetch_to_read(job.x, soon + piece, count, size)
                        if adds:
                            fetch_to_read(job.addend, soon + piece, count, size)
                    for i in range(count):
                        current = normed(get(x, now + i), scale[piece + i], shift[piece + i])
                        if adds:
                            current = plus(current, get(addend, now + i))
                        keep(current, v, piece + i, kept, at + i, c)
            for t in range(steps - 1, -1, -1):
                ending = t < ahead
                soon = (ahead - 1 - t) * neurons + coming if ending else (t - ahead) * neurons + start
                for piece in range(0, width, PIECE):
                    count = min(PIECE, width - piece)
                    now, at = t * neurons + start + piece, (t * block + piece) * values
                    if ending:
                        fetch_to_read(job.x, soon + piece, count, size)
                        if adds:
                            fetch_to_read(job.addend, soon + piece, count, size)
                    else:
                        fetch_to_read(job.grad_s, soon + piece, count, size)
                        fetch_to_write(job.grad_x, soon + piece, count, size)
                    for i in range(count):
                        current = normed(get(x, now + i), scale[piece + i], shift[piece + i])
                        if adds:
                            current = plus(current, get(addend, now + i))
                        put(gx, now + i, back(current, get(gs, now + i), g, piece + i, kept, at + i, shares, c))
            for j in range(states):
                if table[j * ROW + GRAD_FIRST]:
                    store(g, j * WIDEST, table[j * ROW + GRAD_FIRST], start, width)
            for j in range(learned):
                for i in range(PIECE):
                    sums[i] = 0.0
                for piece in range(0, block, PIECE):
                    for i in range(PIECE):
                        sums[i] += shares[j * WIDEST + piece + i]
                total = 0.0
                for i in range(PIECE):
                    total += sums[i]
                totals[start // block * learned + j] = total
            start = coming

    return compiled(snnx_backward)

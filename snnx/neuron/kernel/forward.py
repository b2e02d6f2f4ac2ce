"""The forward loop through time.

The neurons of a layer are independent of one another, so the loop takes a block of them through all steps before it begins the
next block. The state stays in the first-level cache, each input is read once, and each spike is written once. The processor
cannot predict the jump from one step's row to the next, so the loop prefetches each row some time before it is needed. During
the last steps of a block, it prefetches the first rows of the next block.

The equations are functions that are fixed when the loop is compiled. The number of steps is a variable.
"""

from collections.abc import Callable
from functools import cache

from numba import carray

from snnx.neuron.kernel.compile import SOURCES, compiled
from snnx.neuron.kernel.constants import ONE, ZERO, Constants
from snnx.neuron.kernel.launch import take_block
from snnx.neuron.kernel.memory import AHEAD, PIECE, fetch_to_read, fetch_to_write, floats, load, stack_block
from snnx.neuron.kernel.values import Access


@cache
def forward(charge: Callable, discharge: Callable, decays: bool, once: bool, watched: bool, access: Access):
    """Compile the loop that computes `s` and `v_last` from `x` and `v`, and also `h` if `watched`.

    With `once` each neuron fires at most once; `f` counts its spikes and `f_last` is the count at the end. `access` gives the
    data type of `x` and `s`.
    """
    sources = SOURCES
    at, get, put, size = access

    def snnx_forward(pointer):
        sources  # noqa: B018
        job = carray(pointer, 1)[0]
        steps, neurons, block = job.steps, job.neurons, job.block
        c = Constants(job.tau, job.leak, job.k, job.v_threshold, job.scaled_threshold, job.v_reset, job.alpha)
        x, s, h = at(job.x), at(job.s), floats(job.h)
        v_first, v, v_last = floats(job.v), stack_block(), floats(job.v_last)
        f_first, f, f_last = floats(job.f), stack_block(), floats(job.f_last)
        ahead = min(AHEAD // block, steps)
        start = take_block(pointer) * block
        while start < neurons:
            coming = take_block(pointer) * block
            width = min(block, neurons - start)
            load(v, v_first, job.v_same, start, width)
            if once:
                load(f, f_first, job.f_same, start, width)
            for t in range(steps):
                soon = (t + ahead) * neurons + start if t + ahead < steps else (t + ahead - steps) * neurons + coming
                for piece in range(0, width, PIECE):
                    count = min(PIECE, width - piece)
                    now = t * neurons + start + piece
                    fetch_to_read(job.x, soon + piece, count, size)
                    fetch_to_write(job.s, soon + piece, count, size)
                    for i in range(count):
                        potential = charge(get(x, now + i), v[piece + i], c, decays)
                        spike = ONE if potential - c.v_threshold >= ZERO else ZERO
                        if once:
                            spike = spike * (ONE - f[piece + i])
                            f[piece + i] += spike
                        put(s, now + i, spike)
                        if watched:
                            h[now + i] = potential
                        v[piece + i] = discharge(potential, spike, c)
            for i in range(width):
                v_last[start + i] = v[i]
                if once:
                    f_last[start + i] = f[i]
            start = coming

    return compiled(snnx_forward)

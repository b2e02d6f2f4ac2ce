"""The backward loop through time.

For each block of neurons the forward pass is computed again, with its potentials kept in the cache, and then the backward pass.
This moves less data than a forward pass that writes all potentials to memory, and only the input has to be stored.
"""

from collections.abc import Callable
from functools import cache

from numba import carray

from snnx.neuron.kernel.compile import SOURCES, compiled
from snnx.neuron.kernel.constants import ONE, ZERO, Constants
from snnx.neuron.kernel.launch import take_block, take_thread
from snnx.neuron.kernel.memory import (
    AHEAD,
    PIECE,
    doubles,
    fetch_to_read,
    fetch_to_write,
    floats,
    load,
    stack_block,
    stack_sums,
)
from snnx.neuron.kernel.values import Access


@cache
def backward(
    charge: Callable,
    charge_back: Callable,
    discharge: Callable,
    discharge_back: Callable,
    slope: Callable,
    decays: bool,
    once: bool,
    detached: bool,
    learns: bool,
    access: Access,
):
    """Compile the loop that computes `grad_x` and `grad_v` from `grad_s` and `grad_v_last`.

    With `learns` it also computes `grad_k`, as one sum per block. With `once` it also computes `grad_f` from `grad_f_last`.
    `detached` says whether the mask `1 - f` (with `once`) or the spike in the reset (without) is a constant. `access` gives the
    data type of `x`, `grad_s` and `grad_x`.
    """
    sources = SOURCES
    at_address, get, put, size = access

    def snnx_backward(pointer):
        sources  # noqa: B018
        job = carray(pointer, 1)[0]
        steps, neurons, block = job.steps, job.neurons, job.block
        c = Constants(job.tau, job.leak, job.k, job.v_threshold, job.scaled_threshold, job.v_reset, job.alpha)
        x, gs, gx = at_address(job.x), at_address(job.grad_s), at_address(job.grad_x)
        v_first, v = floats(job.v), stack_block()
        gv_first, gv, gv_last = floats(job.grad_v), stack_block(), floats(job.grad_v_last)
        f_first, f = floats(job.f), stack_block()
        gf_first, gf, gf_last = floats(job.grad_f), stack_block(), floats(job.grad_f_last)
        gk, shares, sums = doubles(job.grad_k), stack_block(), stack_sums()
        own = job.kept + 12 * steps * block * take_thread(pointer)
        kept_h, kept_v, kept_f = floats(own), floats(own + 4 * steps * block), floats(own + 8 * steps * block)
        ahead = min(AHEAD // block, steps)
        start = take_block(pointer) * block
        while start < neurons:
            coming = take_block(pointer) * block
            width = min(block, neurons - start)
            load(v, v_first, job.v_same, start, width)
            if once:
                load(f, f_first, job.f_same, start, width)
            for i in range(width):
                gv[i] = ZERO
                gf[i] = ZERO
            for i in range(block):
                shares[i] = ZERO
            for t in range(steps):
                ending = t + ahead >= steps
                soon = (2 * steps - 1 - t - ahead if ending else t + ahead) * neurons + start
                for piece in range(0, width, PIECE):
                    count = min(PIECE, width - piece)
                    now, at = t * neurons + start + piece, t * block + piece
                    if ending:
                        fetch_to_read(job.grad_s, soon + piece, count, size)
                        fetch_to_write(job.grad_x, soon + piece, count, size)
                    else:
                        fetch_to_read(job.x, soon + piece, count, size)
                    for i in range(count):
                        if learns:
                            kept_v[at + i] = v[piece + i]
                        potential = charge(get(x, now + i), v[piece + i], c, decays)
                        kept_h[at + i] = potential
                        spike = ONE if potential - c.v_threshold >= ZERO else ZERO
                        if once:
                            kept_f[at + i] = f[piece + i]
                            f[piece + i] += spike * (ONE - f[piece + i])
                        v[piece + i] = discharge(potential, spike, c)
            if job.grad_v_last:
                load(gv, gv_last, False, start, width)
            if once and job.grad_f_last:
                load(gf, gf_last, False, start, width)
            for t in range(steps - 1, -1, -1):
                ending = t < ahead
                soon = (ahead - 1 - t) * neurons + coming if ending else (t - ahead) * neurons + start
                for piece in range(0, width, PIECE):
                    count = min(PIECE, width - piece)
                    now, at = t * neurons + start + piece, t * block + piece
                    if ending:
                        fetch_to_read(job.x, soon + piece, count, size)
                    else:
                        fetch_to_read(job.grad_s, soon + piece, count, size)
                        fetch_to_write(job.grad_x, soon + piece, count, size)
                    for i in range(count):
                        potential = kept_h[at + i]
                        before = kept_v[at + i] if learns else ZERO
                        distance = potential - c.v_threshold
                        spike = ONE if distance >= ZERO else ZERO
                        gh, reset, gk_discharge = discharge_back(gv[piece + i], potential, spike, c)
                        fired = get(gs, now + i) if detached else get(gs, now + i) + reset
                        if once:
                            fired += gf[piece + i]
                            if not detached:
                                gf[piece + i] -= fired * spike
                            fired *= ONE - kept_f[at + i]
                        gh = fired * slope(distance, c.alpha) + gh
                        share, gv[piece + i], gk_charge = charge_back(gh, get(x, now + i), before, c, decays)
                        put(gx, now + i, share)
                        if learns:
                            shares[piece + i] += gk_discharge + gk_charge
            if job.grad_v:
                for i in range(width):
                    gv_first[start + i] = gv[i]
            if once and job.grad_f:
                for i in range(width):
                    gf_first[start + i] = gf[i]
            if learns:
                for i in range(PIECE):
                    sums[i] = 0.0
                for piece in range(0, block, PIECE):
                    for i in range(PIECE):
                        sums[i] += shares[piece + i]
                total = 0.0
                for i in range(PIECE):
                    total += sums[i]
                gk[start // block] = total
            start = coming

    return compiled(snnx_backward)

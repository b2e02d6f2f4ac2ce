"""The arguments of a compiled loop, and the threads that it runs on."""

import ctypes
import os
from typing import NamedTuple

import numba
import numpy as np
import torch
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

ALONE = 32768
"""Up to this number of elements, one thread is faster than two; torch uses the same number."""


class Launch(ctypes.Structure):
    """The arguments of one call of a compiled loop: addresses of contiguous tensors, and sizes.

    An address of 0 means that there is no such tensor. `states` is the address of a table with one row, `State`, per state.
    """

    _fields_ = (
        [(name, ctypes.c_int64) for name in ("x", "addend", "s", "h", "threshold", "states", "constants")]
        + [(name, ctypes.c_int64) for name in ("scale", "shift", "channels", "inner")]
        + [(name, ctypes.c_int64) for name in ("grad_x", "grad_s", "grad_learned", "kept")]
        + [(name, ctypes.c_int64) for name in ("steps", "neurons", "block", "next_block", "next_thread")]
    )


class State(NamedTuple):
    """Addresses of one state's tensors; `same` says that all initial values equal the single one at `first`."""

    first: int
    same: int
    last: int = 0
    grad_first: int = 0
    grad_last: int = 0


FIRST, SAME, LAST, GRAD_FIRST, GRAD_LAST = range(len(State._fields))
"""Columns of the table that has one row, a `State`, for each state."""
ROW = len(State._fields)


RECORD = numba.from_dtype(np.dtype(Launch))


def counter(field: int):
    """Make a function that atomically returns the next number of a counter in the job, from 0, to each thread that calls it."""

    @intrinsic
    def take(typing, job):
        def generate(context, builder, signature, arguments):
            start = builder.bitcast(arguments[0], ir.IntType(8).as_pointer())
            place = builder.gep(start, [ir.Constant(ir.IntType(64), field)])
            number = builder.bitcast(place, ir.IntType(64).as_pointer())
            return builder.atomic_rmw("add", number, ir.Constant(ir.IntType(64), 1), "monotonic")

        return types.int64(types.CPointer(RECORD)), generate

    return take


take_block, take_thread = counter(Launch.next_block.offset), counter(Launch.next_thread.offset)


def torch_threads():
    """Return the OpenMP function that runs code on torch's own threads, or `None` if torch uses another threading library.

    With a second thread pool, its threads would compete for the cores with torch's, which spin while they wait for work.
    """
    try:
        parallel = ctypes.CDLL(None).GOMP_parallel
    except (AttributeError, OSError, TypeError):
        return None
    parallel.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
    parallel.restype = None
    return parallel


parallel = torch_threads()


def after_fork() -> None:
    """Use a single thread in a forked child, because OpenMP's threads do not survive a fork and a call of them would hang."""
    global parallel
    parallel = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_fork)


def threads_for(job: Launch) -> int:
    """Return the number of threads for `job`: one if it is small, else up to torch's number of threads."""
    if parallel is None or job.steps * job.neurons <= ALONE:
        return 1
    return min(torch.get_num_threads(), -(-job.neurons // job.block))


def run(loop: "numba.core.ccallback.CFunc", job: Launch, threads: int) -> None:
    """Run `loop` over all blocks of `job` on the given number of threads."""
    if threads > 1:
        parallel(loop.address, ctypes.addressof(job), threads, 0)
    else:
        loop.ctypes(ctypes.addressof(job))

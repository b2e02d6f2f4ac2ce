"""Measures how the cost of a LIF layer grows with the number of time steps, and what its first call in a process costs."""

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from tempfile import TemporaryDirectory

import torch

from snnx.bench.layers import Layer, fresh
from snnx.bench.turns import in_turns, medians
from snnx.bench.twin import BASELINE
from snnx.neuron.lif import LIF
from snnx.report.tables.table import Table

FULL = {"steps": (10, 100, 1000), "shape": (32, 64, 8, 8), "chunk": 10, "rounds": 5}
SMOKE = {"steps": (2, 4), "shape": (2, 8), "chunk": 2, "rounds": 1}

FIRST_CALL = """
import time, torch
from snnx.neuron.lif import LIF
x = torch.rand(4, 32, 64, requires_grad=True)
start = time.perf_counter()
LIF()(x).sum().backward()
print(time.perf_counter() - start)
"""
CHUNKED = """
import re, sys, torch
from pathlib import Path
from snnx.neuron.lif import LIF
steps, chunk, *shape = map(int, sys.argv[1:])
neuron, total = LIF(), torch.zeros(shape)
with torch.no_grad():
    for start in range(0, steps, chunk):
        total += neuron(torch.rand(chunk, *shape)).sum(0)
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)  # rusage includes the parent
"""


def measure(steps: Sequence[int], shape: Sequence[int], chunk: int, rounds: int) -> dict:
    """Time ReLU and LIF for each number of steps, and measure memory and first calls of LIF in separate processes.

    Args:
        steps: the numbers of time steps `T`.
        shape: of one time step.
        chunk: how many steps are passed at a time when memory is measured.
        rounds: how often each is timed.

    Returns:
        Seconds of forward + backward by layer and `T`, MiB of memory by `T`, and seconds of the first call with and without
        compiled code in numba's cache.
    """

    def call(layer: Layer, t: int):
        x = torch.rand(t, *shape).requires_grad_()

        def forward_backward() -> None:
            x.grad = None
            layer(x).backward(x.detach())

        return forward_backward

    layers = {BASELINE: torch.relu, "LIF": fresh(LIF())}
    seconds = in_turns({f"{name} {t}": call(layer, t) for t in steps for name, layer in layers.items()}, rounds)
    memory = {str(t): float(_python(CHUNKED, t, chunk, *shape)) for t in steps}
    warm = [float(_python(FIRST_CALL)) for _ in range(rounds + 1)][1:]  # without the first, which may have to fill the cache
    with TemporaryDirectory() as empty:
        cold = [float(_python(FIRST_CALL, cache=empty))]
    return {"shape": list(shape), "chunk": chunk, "seconds": seconds, "memory": memory, "warm": warm, "cold": cold}


def _python(code: str, *words: int, cache: str | None = None) -> str:
    env = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())} | ({"NUMBA_CACHE_DIR": cache} if cache else {})
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout


def tables(measured: dict) -> list[Table]:
    """Make the tables of time and memory by T, and of first calls."""
    median = medians(measured["seconds"])
    rounds = str(len(next(iter(measured["seconds"].values()))))
    grown = tuple(
        (t, *(f"{1e6 * median[f'{name} {t}'] / int(t):.1f}" for name in (BASELINE, "LIF")), f"{memory:.0f}")
        for t, memory in measured["memory"].items()
    )
    title = (
        f"Forward + backward over T steps of {measured['shape']}, median of {rounds}; "
        f"memory of LIF if T is passed in chunks of {measured['chunk']}"
    )
    calls = (
        ("compiled code in the cache", f"{statistics.median(measured['warm']):.2f}", str(len(measured["warm"]))),
        ("empty cache", f"{statistics.median(measured['cold']):.2f}", str(len(measured["cold"]))),
    )
    return [
        Table(title, ("T", f"{BASELINE}, µs per step", "LIF, µs per step", "peak MiB in chunks"), "rrrr", grown),
        Table("First forward + backward in a process", ("cache", "s, median", "n"), "lrr", calls),
    ]

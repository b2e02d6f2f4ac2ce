"""How a fused layer's cost grows with time, beside a ReLU's, and what its first call in a process costs."""

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from tempfile import TemporaryDirectory

import torch

from snnx.bench.layers import FLOOR, Layer, fresh
from snnx.bench.turns import in_turns, medians
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
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)  # rusage counts the parent too
"""


def measure(steps: Sequence[int], shape: Sequence[int], chunk: int, rounds: int) -> dict:
    """Seconds of forward + backward for each T of ReLU and LIF, MiB of a run in chunks for each T, and seconds of a process's
    first call."""

    def call(layer: Layer, t: int):
        x = torch.rand(t, *shape).requires_grad_()

        def both() -> None:
            x.grad = None
            layer(x).backward(x.detach())

        return both

    layers = {FLOOR: torch.relu, "LIF": fresh(LIF())}
    seconds = in_turns({f"{name} {t}": call(layer, t) for t in steps for name, layer in layers.items()}, rounds)
    memory = {str(t): float(_python(CHUNKED, t, chunk, *shape)) for t in steps}
    warm = [float(_python(FIRST_CALL)) for _ in range(rounds + 1)][1:]  # the first may fill the cache
    with TemporaryDirectory() as empty:
        cold = [float(_python(FIRST_CALL, cache=empty))]
    return {"shape": list(shape), "chunk": chunk, "seconds": seconds, "memory": memory, "warm": warm, "cold": cold}


def _python(code: str, *words: int, cache: str | None = None) -> str:
    env = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())} | ({"NUMBA_CACHE_DIR": cache} if cache else {})
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout


def tables(measured: dict) -> list[Table]:
    """Growth with T, and first calls."""
    median = medians(measured["seconds"])
    rounds = str(len(next(iter(measured["seconds"].values()))))
    grown = tuple(
        (t, *(f"{1e6 * median[f'{name} {t}'] / int(t):.1f}" for name in (FLOOR, "LIF")), f"{memory:.0f}")
        for t, memory in measured["memory"].items()
    )
    title = (
        f"Forward + backward over T steps of {measured['shape']}, median of {rounds}; "
        f"memory of LIF with T in chunks of {measured['chunk']}"
    )
    calls = (
        ("compiled code in the cache", f"{statistics.median(measured['warm']):.2f}", str(len(measured["warm"]))),
        ("empty cache", f"{statistics.median(measured['cold']):.2f}", str(len(measured["cold"]))),
    )
    return [
        Table(title, ("T", f"{FLOOR}, µs a step", "LIF, µs a step", "peak MiB in chunks"), "rrrr", grown),
        Table("First forward + backward in a process", ("cache", "s, median", "n"), "lrr", calls),
    ]

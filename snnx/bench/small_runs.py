"""Measures what a run costs in a sweep of small networks on a GPU, of which several runs can share one."""

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from snnx.bench.sweep import snnx
from snnx.report.tables.table import Table

WORDS = ("timesteps=4", "trainer.max_epochs=10")
"""A run of the small convolutional network on digits."""
TINY = ("timesteps=1", "trainer.max_epochs=1", "budget.samples=0.02")
"""The same with two batches."""


def measure(runs: int, at_once: Sequence[int], accelerator: str, words: Sequence[str] = WORDS) -> dict:
    """Time sweeps of equal runs on one kind of device, with different numbers of runs at once, and one on the CPU.

    Args:
        runs: number of seeds.
        at_once: how many of them are executed at once.
        accelerator: `cuda`, or `cpu` to try this measurement.
        words: the overrides that say what is trained.

    Returns:
        The seconds of each sweep, by device and number of runs at once.
    """
    cases = [(accelerator, n) for n in at_once] + ([("cpu", 1)] if at_once and accelerator != "cpu" else [])
    return {"runs": runs, "seconds": [[device, n, _sweep(runs, n, device, words)] for device, n in cases]}


def _sweep(runs: int, at_once: int, accelerator: str, words: Sequence[str]) -> float:
    seeds = ",".join(map(str, range(runs)))
    with TemporaryDirectory() as folder:
        start = time.perf_counter()
        snnx(
            Path(folder),
            "-m",
            f"seed={seeds}",
            *words,
            f"trainer.accelerator={accelerator}",
            f"hydra.launcher.n_jobs={at_once}",
        )
        return time.perf_counter() - start


def table(measured: dict) -> Table:
    """Make the table of seconds a run.

    Example:
        >>> table({"runs": 4, "seconds": [["cuda", 1, 40.0], ["cuda", 2, 24.0]]}).rows
        (('cuda', '1', '10.0', '1.00'), ('cuda', '2', '6.0', '0.60'))
    """
    runs, first = measured["runs"], measured["seconds"][0][2]
    rows = tuple(
        (device, str(at_once), f"{took / runs:.1f}", f"{took / first:.2f}") for device, at_once, took in measured["seconds"]
    )
    return Table(f"A run in a sweep of {runs} small runs", ("device", "runs at once", "s a run", "x the first"), "lrrr", rows)

"""Measures the overhead of a job in a multirun, that is its time without training."""

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from snnx.report.tables.table import Table

FULL = {"jobs": 4, "rows": ("IF", "LIF", "PLIF", "KLIF"), "epochs": 60}
SMOKE = {"jobs": 2, "rows": ("IF",), "epochs": 1}
TINY = ("trainer.max_epochs=1", "budget.samples=0.02", "timesteps=1", "trainer.accelerator=cpu")
"""Overrides for a run with two batches of digits: it trains so little that almost all its time is overhead."""


def measure(jobs: int, rows: Sequence[str], epochs: int) -> dict:
    """Time the jobs of a multirun and the same jobs as separate commands, and compare a forecast of `snnx plan` to the sweep.

    Args:
        jobs: number of jobs of the multirun.
        rows: rows of the sweep `demo_neurons` whose time is forecast.
        epochs: epochs of the runs of the sweep whose time is forecast.

    Returns:
        Seconds of the first job (`first`), of each further one (`further`), of each separate command (`alone`), the forecast
        (`forecast`) and the time of the sweep (`took`).
    """
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        started = time.time()
        snnx(folder, "-m", f"seed={','.join(map(str, range(jobs)))}", *TINY)
        ended = sorted(path.stat().st_mtime for path in folder.glob("outputs/runs/*/result.json"))
    first, *further = (end - start for start, end in pairwise([started, *ended]))
    alone = []
    with TemporaryDirectory() as temporary:
        for seed in range(1, jobs):
            start = time.perf_counter()
            snnx(Path(temporary), f"seed={seed}", *TINY)
            alone.append(time.perf_counter() - start)
    return {"jobs": jobs, "rows": list(rows), "first": first, "further": further, "alone": alone, **_forecast(rows, epochs)}


def _forecast(rows: Sequence[str], epochs: int) -> dict:
    line = (
        "-m",
        "sweep=demo_neurons",
        f"row={','.join(rows)}",
        "seed=0",
        f"trainer.max_epochs={epochs}",
        "trainer.accelerator=cpu",
    )
    with TemporaryDirectory() as temporary:
        planned = re.search(r"about (?:(\d+) min )?([\d.]+) s with", snnx(Path(temporary), "plan", *line))
        start = time.perf_counter()
        snnx(Path(temporary), *line)
        took = time.perf_counter() - start
    minutes, seconds = (float(part or 0) for part in planned.groups())
    return {"forecast": 60 * minutes + seconds, "took": took}


def snnx(folder: Path, *words: str, code: int = 0) -> str:
    """Run `snnx WORDS` in a folder, with as many threads as torch uses in this process.

    Args:
        folder: the folder.
        words: the command line.
        code: the exit code that is expected.

    Returns:
        Its standard output.

    Raises:
        RuntimeError: the command ended with another exit code.
    """
    command = [sys.executable, "-m", "snnx", *words]
    env = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode != code:
        raise RuntimeError(
            f"snnx bench: the command snnx {' '.join(words)} must exit with {code}; got {done.returncode}: {done.stderr}"
        )
    return done.stdout


def tables(measured: dict) -> list[Table]:
    """Make the tables of the forecast and of the overhead."""
    rows = (
        ("first job of a multirun, including its start", f"{measured['first']:.2f}", "1"),
        ("each further job", f"{statistics.median(measured['further']):.2f}", str(len(measured["further"]))),
        (
            "each further job, relative to a run of 60 s",
            f"{statistics.median(measured['further']) / 60:.1%}",
            str(len(measured["further"])),
        ),
        ("the same job as a separate command", f"{statistics.median(measured['alone']):.2f}", str(len(measured["alone"]))),
    )
    ratio = measured["took"] / measured["forecast"]
    forecast = Table(
        f"Forecast of snnx plan for a sweep of {len(measured['rows'])} rows, and the time that it took",
        ("forecast, s", "took, s, including its start", "ratio"),
        "rrr",
        ((f"{measured['forecast']:g}", f"{measured['took']:.1f}", f"{ratio:.2f}"),),
    )
    title = "Overhead of a job (a run with one epoch of two batches, and its tests)"
    return [forecast, Table(title, ("job", "s, median", "n"), "lrr", rows)]

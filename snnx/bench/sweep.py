"""What a job of a multirun costs besides its training."""

import os
import re
import statistics
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from snnx.report.tables.table import Table

FULL = {"jobs": 4, "epochs": 60}
SMOKE = {"jobs": 2, "epochs": 1}
TINY = ("trainer.max_epochs=1", "budget.samples=0.02", "timesteps=1", "trainer.accelerator=cpu")
"""Two batches of handwritten digits: next to no training, so that what is left is the cost of having a job."""


def measure(jobs: int, epochs: int) -> dict:
    """Seconds of the first job of a multirun and of each further one, of as many runs in interpreters of their own, and what
    `snnx plan` says of a sweep beside what it then takes."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        started = time.time()
        snnx(folder, "-m", f"seed={','.join(map(str, range(jobs)))}", *TINY)
        ended = sorted(path.stat().st_mtime for path in folder.glob("outputs/runs/*/result.json"))
    first, *further = (end - start for start, end in pairwise([started, *ended]))
    alone = []
    with TemporaryDirectory() as place:
        for seed in range(1, jobs):
            start = time.perf_counter()
            snnx(Path(place), f"seed={seed}", *TINY)
            alone.append(time.perf_counter() - start)
    return {"jobs": jobs, "first": first, "further": further, "alone": alone, **_forecast(epochs)}


def _forecast(epochs: int) -> dict:
    line = ("-m", "sweep=demo_neurons", "seed=0", "scale=paper", f"trainer.max_epochs={epochs}", "trainer.accelerator=cpu")
    with TemporaryDirectory() as place:
        planned = re.search(r"about (?:(\d+) min )?([\d.]+) s with", snnx(Path(place), "plan", *line))
        start = time.perf_counter()
        snnx(Path(place), *line)
        took = time.perf_counter() - start
    minutes, seconds = (float(part or 0) for part in planned.groups())
    return {"forecast": 60 * minutes + seconds, "took": took}


def snnx(folder: Path, *words: str) -> str:
    """The command line, in `folder`, on as many threads as torch has here; what it printed.

    Raises:
        RuntimeError: it failed.
    """
    command = [sys.executable, "-m", "snnx", *words]
    env = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"snnx bench: the command snnx {' '.join(words)} must end with 0; got {done.returncode}: {done.stderr}"
        )
    return done.stdout


def tables(measured: dict) -> list[Table]:
    """The three costs."""
    rows = (
        ("first job of a multirun, start included", f"{measured['first']:.2f}", "1"),
        ("each further job", f"{statistics.median(measured['further']):.2f}", str(len(measured["further"]))),
        (
            "the same as a share of a run of 60 s",
            f"{statistics.median(measured['further']) / 60:.1%}",
            str(len(measured["further"])),
        ),
        ("a fresh interpreter for the job", f"{statistics.median(measured['alone']):.2f}", str(len(measured["alone"]))),
    )
    ratio = measured["took"] / measured["forecast"]
    forecast = Table(
        "What snnx plan says of a sweep of four rows, beside what it then takes",
        ("forecast, s", "took, s, start included", "ratio"),
        "rrr",
        ((f"{measured['forecast']:g}", f"{measured['took']:.1f}", f"{ratio:.2f}"),),
    )
    title = "A job of next to no training (two batches, one epoch, tests)"
    return [forecast, Table(title, ("job", "s, median", "n"), "lrr", rows)]

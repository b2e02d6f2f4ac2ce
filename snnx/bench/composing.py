"""Times how long a sweep composes its runs."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from snnx.bench.sweep import snnx


def per_run(refused: Callable[[int], float], runs: int) -> float:
    """Return the seconds in which a run is composed: the difference between a sweep of `runs` runs and one of two, per run.

    The first run of both sweeps has a wrong seed. So all runs are composed, and then the sweep is refused.
    """
    return (refused(runs) - refused(2)) / (runs - 2)


def grid(runs: int) -> float:
    """Time a sweep of two values with many seeds each."""
    with TemporaryDirectory() as temporary:
        start = time.perf_counter()
        snnx(Path(temporary), "-m", "neuron.tau=2,4", f"seed=range(-1,{runs // 2 - 1})", code=2)
        return time.perf_counter() - start


def rows_of_file(runs: int) -> float:
    """Time a sweep file whose rows differ in values; each third one also chooses another neuron."""
    rows = {
        f"R{number}": {"set": [f"neuron.tau={2 + number / runs}", *(["neuron=plif"] if number % 3 == 0 else [])]}
        for number in range(runs)
    }
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "sweeps").mkdir()
        content = {"sweep": {"paper": "none", "artifact": "Many rows", "metric": "test/acc"}, "rows": rows}
        (folder / "sweeps" / "many_rows.yaml").write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML too
        start = time.perf_counter()
        snnx(folder, "-m", "sweep=many_rows", "seed=-1", code=2)
        return time.perf_counter() - start

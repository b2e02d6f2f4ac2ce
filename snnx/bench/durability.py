"""Measures what durability costs: checkpoints, finished and interrupted sweeps, and commands on thousands of runs."""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from snnx.bench.composing import grid, per_run, rows_of_file
from snnx.bench.sweep import TINY, snnx
from snnx.record.checkpoint import Checkpoints, load
from snnx.report.tables.table import Table

FULL = {
    "rows": ("IF", "LIF", "PLIF", "KLIF"),
    "seeds": 25,
    "runs": 10_000,
    "composed": 2_000,
    "reported": (1_000, 3),
    "megabytes": (0.1, 4, 40),
    "epochs": 40,
    "rounds": 5,
}
SMOKE = {"rows": ("IF",), "seeds": 1, "runs": 20, "composed": 22, "reported": (30, 2), "megabytes": (0.1,), "epochs": 2,
         "rounds": 1}  # fmt: skip


def measure(
    rows: Sequence[str],
    seeds: int,
    runs: int,
    composed: int,
    reported: tuple[int, int],
    megabytes: tuple[float, ...],
    epochs: int,
    rounds: int,
) -> dict:
    """Time each command in a separate process, as a user would run it.

    Args:
        rows: rows of the sweep `demo_neurons`.
        seeds: number of seeds of the sweep `demo_neurons`.
        runs: how many copies of a run are added for `snnx status` of many runs.
        composed: how many runs the sweeps have whose composing is timed, an even number above 2.
        reported: numbers of rows and seeds of the sweep whose report is timed; its runs are copies of one.
        megabytes: sizes of the checkpoints.
        epochs: epochs of the runs that are interrupted.
        rounds: how often each is timed.

    Returns:
        The seconds of every round by measurement.
    """
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        line = ["-m", "sweep=demo_neurons", f"row={','.join(rows)}", f"seed={','.join(map(str, range(seeds)))}", *TINY]
        snnx(folder, *line)
        again = [_timed(folder, *line) for _ in range(rounds)]
        small = [_timed(folder, "status", "demo_neurons") for _ in range(rounds)]
        _multiply(folder / "outputs", runs)
        large = [_timed(folder, "status", "demo_neurons") for _ in range(rounds)]
        _add_grid(folder / "outputs", *reported)
        report = [_timed(folder, "report", "single") for _ in range(rounds)]
    return {
        "runs": seeds * len(rows),
        "again": again,
        "status": small,
        "many": runs,
        "status of many": large,
        "reported": list(reported),
        "report": report,
        "composed": composed,
        "composing": [per_run(grid, composed) for _ in range(rounds)],
        "composing rows": [per_run(rows_of_file, composed) for _ in range(rounds)],
        "checkpoint": {str(size): _checkpoint(size, rounds) for size in megabytes},
        "interrupted": [_interrupted(epochs) for _ in range(rounds)],
    }


def _timed(folder: Path, *words: str) -> float:
    start = time.perf_counter()
    snnx(folder, *words)
    return time.perf_counter() - start


def _multiply(outputs: Path, runs: int) -> None:
    """Add `runs` copies of one run's result to the sweep, with new seeds and hashes."""
    link = next(path for path in (outputs / "demo_neurons").iterdir() if path.is_symlink())
    result = json.loads((link / "result.json").read_text(encoding="utf-8"))
    row = link.name.split(",")[0]
    for seed in range(1000, 1000 + runs):
        folder = outputs / "runs" / f"{seed:016x}"
        folder.mkdir()
        (folder / "result.json").write_text(json.dumps({**result, "seed": seed, "hash": folder.name}), encoding="utf-8")
        (outputs / "demo_neurons" / f"{row},seed={seed}").symlink_to(Path("..") / "runs" / folder.name)


def _add_grid(outputs: Path, rows: int, seeds: int) -> None:
    """Add copies of one run's result as runs without a sweep file: a grid over a value, with several seeds each."""
    link = next(path for path in (outputs / "demo_neurons").iterdir() if path.is_symlink())
    result = json.loads((link / "result.json").read_text(encoding="utf-8"))
    (outputs / "single").mkdir()
    for number in range(rows):
        row = f"neuron.tau={2 + number / rows:g}"
        for seed in range(seeds):
            folder = outputs / "runs" / f"{number:08x}{seed:08x}"
            folder.mkdir()
            facts = {"sweep": None, "row": row, "seed": seed, "group": f"{number:016x}", "hash": folder.name, "scale": "paper"}
            (folder / "result.json").write_text(json.dumps({**result, **facts}), encoding="utf-8")
            (outputs / "single" / f"seed={seed},{row}").symlink_to(Path("..") / "runs" / folder.name)


def _checkpoint(megabytes: float, rounds: int) -> dict[str, list[float]]:
    """Time our checkpoint, which is synced to disk and read back with its checksums, and torch.save for comparison."""
    state = {"state_dict": {"w": torch.rand(round(megabytes * 2**18))}}
    found: dict[str, list[float]] = {"ours": [], "torch.save": []}
    with TemporaryDirectory() as temporary:
        path = Path(temporary) / "epoch=1.ckpt"
        for _ in range(rounds):
            start = time.perf_counter()
            Checkpoints("bench", {}).save_checkpoint(state, path)
            load(path, "bench")
            found["ours"].append(time.perf_counter() - start)
            start = time.perf_counter()
            torch.save(state, path)
            found["torch.save"].append(time.perf_counter() - start)
    return found


def _interrupted(epochs: int) -> dict[str, float]:
    """Time a sweep of two runs without interruption, and the same sweep killed during its first run and started again."""
    line = ["-m", "seed=0,1", f"trainer.max_epochs={epochs}", "trainer.accelerator=cpu"]
    with TemporaryDirectory() as temporary:
        whole = _timed(Path(temporary), *line)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        start = time.perf_counter()
        command = [sys.executable, "-m", "snnx", *line]
        env = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
        driver = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  start_new_session=True)  # fmt: skip
        while not list(folder.glob(f"outputs/runs/*/ckpt/epoch={max(1, epochs // 2)}.ckpt")) and driver.poll() is None:
            time.sleep(0.02)
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
        snnx(folder, *line)
        return {"whole": whole, "interrupted": time.perf_counter() - start}


def tables(measured: dict) -> list[Table]:
    """Make the tables of commands and of checkpoints."""
    ratios = [times["interrupted"] / times["whole"] for times in measured["interrupted"]]
    rows, seeds = measured["reported"]
    commands = (
        (f"running a finished sweep of {measured['runs']} runs again", *_cell(measured["again"])),
        (f"snnx status of {measured['runs']} runs", *_cell(measured["status"])),
        (f"snnx status of {measured['many']:,} runs", *_cell(measured["status of many"])),
        (f"snnx report of {rows:,} rows with {seeds} seeds each", *_cell(measured["report"])),
        (f"composing a run of a sweep of {measured['composed']:,} runs", *_cell(measured["composing"], digits=4)),
        (f"composing a row of a sweep file of {measured['composed']:,} rows", *_cell(measured["composing rows"], digits=4)),
        (
            "a sweep that is killed halfway and started again, relative to one without interruption",
            f"{statistics.median(ratios):.2f}x",
            str(len(ratios)),
        ),
    )
    checkpoints = tuple(
        (
            f"{size} MB",
            *(f"{1000 * statistics.median(times[how]):.1f}" for how in ("ours", "torch.save")),
            str(len(times["ours"])),
        )
        for size, times in measured["checkpoint"].items()
    )
    return [
        Table("Commands on many runs", ("command", "s, median", "n"), "lrr", commands),
        Table(
            "A checkpoint: written, synced to disk, read back and checked",
            ("size", "ms, median", "torch.save alone, ms", "n"),
            "lrrr",
            checkpoints,
        ),
    ]


def _cell(seconds: list[float], digits: int = 2) -> tuple[str, str]:
    return f"{statistics.median(seconds):.{digits}f}", str(len(seconds))

"""What it costs that nothing is lost: checkpoints, finished and interrupted sweeps, and questions to a large ledger."""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from snnx.bench.sweep import TINY, snnx
from snnx.record.checkpoint import Checkpoints, load
from snnx.report.tables.table import Table

FULL = {"seeds": 25, "runs": 10_000, "megabytes": (0.1, 4, 40), "epochs": 40, "rounds": 5}
SMOKE = {"seeds": 1, "runs": 20, "megabytes": (0.1,), "epochs": 2, "rounds": 1}
ROWS = 4  # of demo_neurons


def measure(seeds: int, runs: int, megabytes: tuple[float, ...], epochs: int, rounds: int) -> dict:
    """Seconds of each; every command is a process of its own, as a user's is."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        line = ["-m", "sweep=demo_neurons", f"seed={','.join(map(str, range(seeds)))}", *TINY]
        snnx(folder, *line)
        again = [_timed(folder, *line) for _ in range(rounds)]
        small = [_timed(folder, "status", "demo_neurons") for _ in range(rounds)]
        _multiply(folder / "outputs", runs)
        large = [_timed(folder, "status", "demo_neurons") for _ in range(rounds)]
    return {
        "runs": seeds * ROWS,
        "again": again,
        "status": small,
        "many": runs,
        "status of many": large,
        "checkpoint": {str(size): _checkpoint(size, rounds) for size in megabytes},
        "interrupted": [_interrupted(epochs) for _ in range(rounds)],
    }


def _timed(folder: Path, *words: str) -> float:
    start = time.perf_counter()
    snnx(folder, *words)
    return time.perf_counter() - start


def _multiply(outputs: Path, runs: int) -> None:
    """Copies of one run's result under other seeds and hashes, until the sweep has that many runs."""
    link = next(path for path in (outputs / "demo_neurons").iterdir() if path.is_symlink())
    result = json.loads((link / "result.json").read_text(encoding="utf-8"))
    row = link.name.split(",")[0]
    for seed in range(1000, 1000 + runs):
        folder = outputs / "runs" / f"{seed:016x}"
        folder.mkdir()
        (folder / "result.json").write_text(json.dumps({**result, "seed": seed, "hash": folder.name}), encoding="utf-8")
        (outputs / "demo_neurons" / f"{row},seed={seed}").symlink_to(Path("..") / "runs" / folder.name)


def _checkpoint(megabytes: float, rounds: int) -> dict[str, list[float]]:
    """Writing with sync and reading back with checksums, beside torch's own save."""
    state = {"state_dict": {"w": torch.rand(round(megabytes * 2**18))}}
    found: dict[str, list[float]] = {"ours": [], "torch.save": []}
    with TemporaryDirectory() as place:
        path = Path(place) / "epoch=1.ckpt"
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
    """A sweep of two runs in peace, and the same sweep whose driver and run are killed in the middle of the first run."""
    line = ["-m", "seed=0,1", f"trainer.max_epochs={epochs}", "trainer.accelerator=cpu"]
    with TemporaryDirectory() as place:
        whole = _timed(Path(place), *line)
    with TemporaryDirectory() as place:
        folder = Path(place)
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
    """Commands, and checkpoints."""
    ratios = [one["interrupted"] / one["whole"] for one in measured["interrupted"]]
    commands = (
        (f"a finished sweep of {measured['runs']} runs again", *_cell(measured["again"])),
        (f"snnx status of {measured['runs']} runs", *_cell(measured["status"])),
        (f"snnx status of {measured['many']:,} runs", *_cell(measured["status of many"])),
        (
            "a sweep killed in its middle and finished, over the same in peace",
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
        Table("Ledger", ("command", "s, median", "n"), "lrr", commands),
        Table(
            "A checkpoint: written, synced, read back and checked",
            ("size", "ms, median", "torch.save alone, ms", "n"),
            "lrrr",
            checkpoints,
        ),
    ]


def _cell(seconds: list[float]) -> tuple[str, str]:
    return f"{statistics.median(seconds):.2f}", str(len(seconds))

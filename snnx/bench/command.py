"""The command `snnx bench layers`."""

import argparse
import json
import platform
import sys
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from snnx.bench.layers import FLOOR, SHAPES, contestants, measure, medians


def main(words: list[str]) -> int:
    """Measure, print one table a shape, and write everything if asked.

    Args:
        words: the command line after `snnx bench`.

    Returns:
        The exit code: 0, or 2 for a value that is wrong.
    """
    arguments = _parser().parse_args(words)
    if arguments.rounds < 1 or arguments.threads < 1:
        print("snnx bench: rounds and threads must be at least 1; got "
              f"{arguments.rounds} and {arguments.threads}", file=sys.stderr)  # fmt: skip
        return 2
    before = torch.get_num_threads()
    torch.set_num_threads(arguments.threads)
    try:
        return _layers(arguments)
    finally:
        torch.set_num_threads(before)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="snnx bench",
        description="Forward and backward of spiking layers beside a ReLU on the same tensor: medians of interleaved rounds.",
        epilog="example: snnx bench layers --rounds 50 --json layers.json",
    )
    parser.add_argument("what", choices=["layers"], help="what to measure")
    parser.add_argument("--rounds", metavar="N", type=int, default=30, help="rounds a layer; default: %(default)s")
    parser.add_argument(
        "--threads", metavar="N", type=int, default=torch.get_num_threads(), help="torch's threads; default: %(default)s"
    )
    parser.add_argument("--shape", metavar="T,B,...", type=_shape, action="append", help="again for more; default: three")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write every round")
    return parser


def _shape(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(","))


def _layers(arguments: argparse.Namespace) -> int:
    layers, missing = contestants()
    console = Console()
    machine = _machine(arguments.threads)
    console.print(", ".join(f"{key} {value}" for key, value in machine.items()))
    if missing:
        console.print(f"not installed, skipped: {', '.join(missing)}")
    measured = []
    for shape in arguments.shape or SHAPES:
        seconds = measure(layers, shape, arguments.rounds)
        console.print(_table(shape, medians(seconds), arguments.rounds))
        measured.append({"shape": shape, "seconds": seconds})
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine, "rounds": arguments.rounds, "measured": measured}, indent=1))
        console.print(f"written: {arguments.json}")
    return 0


def _table(shape: tuple[int, ...], median: dict[str, float], rounds: int) -> Table:
    table = Table(title=f"{list(shape)} float32, forward + backward, median of {rounds}", title_justify="left")
    table.add_column("layer")
    for heading in ("ms", f"x {FLOOR}", "x faster than SpikingJelly"):
        table.add_column(heading, justify="right")
    for name, value in median.items():
        faster = median["SpikingJelly LIF"] / value
        table.add_row(name, f"{1e3 * value:.3f}", f"{value / median[FLOOR]:.2f}", f"{faster:.1f}")
    return table


def _machine(threads: int) -> dict[str, str | int]:
    return {
        "device": "cpu",
        "processor": torch.backends.cpu.get_cpu_capability(),
        "threads": threads,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }

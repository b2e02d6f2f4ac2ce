"""The command `snnx bench`."""

import argparse
import json
import shlex
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from rich.console import Console

from snnx.bench import conversion, durability, encoders, gpu, growth, layers, loading, loop, spike_time, steps, sweep, verdicts
from snnx.bench.bench_page import record
from snnx.bench.libraries import LIBRARIES
from snnx.command.parser import Parser
from snnx.command.refusal import complain
from snnx.record import provenance
from snnx.record.write import write
from snnx.report.tables.text import terminal
from snnx.run.allocator import keep_memory

MEASUREMENTS = {
    "layers": layers,
    "growth": growth,
    "steps": steps,
    "spike_time": spike_time,
    "conversion": conversion,
    "encoders": encoders,
    "data": loading,
    "loop": loop,
    "sweep": sweep,
    "durability": durability,
}
APART = {"verdicts": verdicts, "gpu": gpu}
"""`verdicts` is a simulation, and `gpu` needs a GPU. So `all` leaves them out, and each has its own page in docs/benchmarks."""


def main(words: list[str]) -> int:
    """Measure, print tables, and write the results to files if asked to.

    Args:
        words: the command line after `snnx bench`.

    Returns:
        The exit code: 0, or 2 for a value that is wrong.
    """
    arguments = _parser().parse_args(words)
    if complaint := _complaint(arguments):
        complain(f"snnx bench: {complaint}")
        return 2
    before = torch.get_num_threads()
    torch.set_num_threads(arguments.threads)
    keep_memory()  # the same setting of the allocator as in every run
    try:
        return _bench(arguments, shlex.join(["snnx", "bench", *words]))
    finally:
        torch.set_num_threads(before)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="snnx bench",
        description="Measure time and memory of layers, training steps and sweeps; networks are compared to those with ReLU.",
        epilog="example: snnx bench layers --rounds 50 --json layers.json",
    )
    parser.add_argument("what", choices=[*MEASUREMENTS, "all", *APART], help="what to measure")
    parser.add_argument("--rounds", metavar="N", type=int, help="rounds per measurement; default: enough for a stable median")
    parser.add_argument(
        "--threads",
        metavar="N",
        type=int,
        default=torch.get_num_threads(),
        help="number of torch's threads; default: %(default)s",
    )
    parser.add_argument("--shape", metavar="T,B,...", type=_shape, action="append", help="shape for layers; can be repeated")
    parser.add_argument("--smoke", action="store_true", help="use tiny sizes, only to see that everything runs")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the time of every round to this file")
    parser.add_argument(
        "--record", action="store_true", help="also write the record for the repository; only with all, verdicts and gpu"
    )
    parser.add_argument("--docs", metavar="DIR", type=Path, default=Path("docs/benchmarks"), help="default: %(default)s")
    return parser


def _shape(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(","))


def _complaint(arguments: argparse.Namespace) -> str | None:
    rounds = 1 if arguments.rounds is None else arguments.rounds
    if rounds < 1 or arguments.threads < 1:
        return f"rounds and threads must be at least 1; got {rounds} and {arguments.threads}"
    if arguments.record and arguments.what not in ("all", *APART):
        return f"--record must be used with all, verdicts or gpu, whose pages contain every measurement; got {arguments.what}"
    return None


def _bench(arguments: argparse.Namespace, command: str) -> int:
    console = Console(emoji=False, highlight=False)
    if not console.is_terminal:
        console = Console(emoji=False, highlight=False, width=200)  # a pipe has no width
    facts = _facts(command)
    console.print("\n".join(f"{what}: {value}" for what, value in facts.items()), markup=False, soft_wrap=True)
    results, tables, notes, plots = {"facts": facts}, [], [], []
    for what in MEASUREMENTS if arguments.what == "all" else [arguments.what]:
        module = (MEASUREMENTS | APART)[what]
        measured = results[what] = module.measure(**_sizes(what, arguments))
        shown = module.tables(measured)
        for table in shown:
            console.print(terminal(table))
        tables += shown
        if what in ("layers", "steps"):
            notes += module.notes(measured)
            plots.append(module.plot(measured))
    for note in notes:
        console.print(note, markup=False)
    written = [write(arguments.json, json.dumps(results, indent=1) + "\n")] if arguments.json else []
    if arguments.record:
        name = arguments.what if arguments.what in APART else ""
        written += record(arguments.docs, results, tables, notes, plots, name)
    for path in written:
        console.print(str(path), markup=False, soft_wrap=True)
    return 0


def _sizes(what: str, arguments: argparse.Namespace) -> dict:
    """Return the arguments of a measurement: the defaults of its module, with the values given on the command line."""
    module = (MEASUREMENTS | APART)[what]
    sizes = dict(module.SMOKE if arguments.smoke else module.FULL)
    if arguments.rounds is not None and "rounds" in sizes:
        sizes["rounds"] = arguments.rounds
    if arguments.shape and what == "layers":
        sizes["shapes"] = arguments.shape
    return sizes


def _facts(command: str) -> dict[str, str]:
    """Describe the conditions of the measurement: command, machine, versions, source and date."""
    versions = dict(provenance.versions())
    for name in map(str.lower, LIBRARIES):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    card = {}
    if torch.cuda.is_available():
        card = {"GPU": f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"}
    git = provenance.git() or {"commit": "no checkout", "dirty": False}
    return {
        "command": f"`{command}`",
        "machine": provenance.device(torch.device("cpu")),
        **card,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "versions": ", ".join(f"{name} {number}" for name, number in versions.items()),
        "source": git["commit"] + (" with changes" if git["dirty"] else ""),
        "date": datetime.now(UTC).date().isoformat(),
    }

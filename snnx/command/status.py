"""The command `snnx status NAME`: shows the state of every run of a sweep, which it reads from files only."""

import argparse
import gc
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from snnx.command.parser import Parser
from snnx.command.refusal import REFUSED, complain
from snnx.options.files import files
from snnx.options.sweepfile import SweepFile, sweep_named
from snnx.record.job import SINGLE
from snnx.record.summary import MARKS
from snnx.report.board import Board, boards
from snnx.report.data.changed_rows import ChangedRows
from snnx.report.data.format import duration
from snnx.report.data.other_code import OtherCode, code_remarks
from snnx.report.data.run import DAMAGED, STATES, Run
from snnx.report.data.runs import collect
from snnx.sweep.output import Output

EVERY_S, PATIENCE = 2, 10
"""Seconds between two updates, and the number of updates without an active run after which `--watch` ends."""
WIDEST = 8
"""Up to this many seeds have a column each; if there are more, each row counts its runs by state."""


def main(words: list[str]) -> int:
    """Print a table of rows by seeds, with the progress of active runs, and the cause of each failure below it.

    Without a name, print one line for each sweep that has runs on this machine.

    Returns:
        The exit code: 0 if all is well, 1 if nothing has been started yet, 2 for a name or a file that is wrong.
    """
    parser = Parser(
        prog="snnx status",
        description="Show the state of every run of a sweep: the metric of done runs, the progress of active ones, and errors.",
        epilog="example: snnx status dtst_fig10_neurons --watch",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="name of a sweep, as in sweep=NAME, or single; default: all")
    parser.add_argument("--watch", action="store_true", help="update every 2 seconds until no run was active for 20 seconds")
    parser.add_argument("--outputs", metavar="DIR", type=Path, default=Path("outputs"), help="default: %(default)s")
    parser.add_argument("--docs", metavar="DIR", type=Path, default=Path("docs/results"), help="default: %(default)s")
    arguments = parser.parse_args(words)
    try:
        if arguments.name is None:
            return _overview(arguments)
        sweep = sweep_named(arguments.name)
        return _watch(sweep, arguments) if arguments.watch else _show(sweep, arguments, _console())
    except REFUSED as error:
        complain(f"snnx status: {error}")
        return 2


def _console() -> Console:
    return Console(file=Output(sys.stdout), emoji=False, highlight=False)


def _overview(arguments: argparse.Namespace) -> int:
    """Print how many runs of each sweep are in each state, of those that have been started on this machine."""
    if arguments.watch:
        raise ValueError("NAME must be given with --watch; got none")
    table = Table("name", "runs")
    for name in [SINGLE, *files("sweep")]:
        if (arguments.outputs / name).is_dir():
            states = Counter(run.state for run in collect(name, arguments.outputs, arguments.docs) if run.local)
            if states:
                table.add_row(name, ", ".join(f"{count} {state}" for state, count in states.most_common()))
    if not table.row_count:
        complain(f"snnx status: no runs in {arguments.outputs} yet; snnx --help lists the sweeps")
        return 1
    _console().print(table)
    return 0


def _watch(sweep: SweepFile, arguments: argparse.Namespace) -> int:
    console, idle, code = _console(), 0, 0
    while idle < PATIENCE:  # between two runs, no run is active for a moment
        if console.is_terminal:
            console.clear()
        code = _show(sweep, arguments, console)
        states = {run.state for run in collect(sweep.name, arguments.outputs, arguments.docs)}
        idle = 0 if "running" in states else idle + 1
        time.sleep(EVERY_S)
    return code


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Do not search for cycles of references: results have none, and among thousands of them the searches take seconds."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@_no_search_for_cycles()
def _show(sweep: SweepFile, arguments: argparse.Namespace, console: Console) -> int:
    runs = collect(sweep.name, arguments.outputs, arguments.docs)
    if not runs:
        of = "no runs without a sweep file" if sweep.name == SINGLE else f"no runs of {sweep.name}"
        complain(f"snnx status: {of} in {arguments.outputs} yet; start: {sweep.start()}")
        return 1
    code, rows = OtherCode(), ChangedRows(sweep)

    def outdated(run: Run) -> bool:
        return run.local and (code.is_other(run) or bool(rows.changes(run.result)))

    for board in boards(sweep, runs):
        console.print(_drawn(board, sweep, outdated))
    for remark in (*code_remarks(sweep, runs), *rows.remarks(runs)):
        console.print(f"↻ {escape(remark)}", soft_wrap=True)
    for run in runs:
        if run.state in ("failed", "diverged", "no data", DAMAGED):
            where = arguments.outputs / "runs" / run.hash / "run.log"
            console.print(
                f"{MARKS[run.state]} {escape(run.row)} seed={run.seed}: {escape(f'{run.cause}  ({where})')}", soft_wrap=True
            )
    return 0


def _drawn(board: Board, sweep: SweepFile, outdated: Callable[[Run], bool]) -> Table:
    counts = Counter(run.state for run in board.runs)
    total = sum(len(row) for row in board.rows.values())
    others = [f"{counts[state]} {state}" for state in STATES if counts[state] and state != "done"]
    parts = [f"{counts['done']} of {total} done", *others]
    if (left := board.left_s) is not None:
        parts.append(f"about {duration(left)} left")
    many = len(board.seeds) > WIDEST
    table = Table(
        Column("row", overflow="fold"),  # a run without a sweep file is named by its settings, which must not be cut off
        *([f"{len(board.seeds)} seeds", "mean"] if many else [f"seed {seed}" for seed in board.seeds]),
        title=escape(f"{sweep.name}, {board.scale}: {sweep.metric}"),
        caption=", ".join(parts),
    )
    for label, row in board.rows.items():
        table.add_row(
            escape(label), *(_condensed(row, sweep.metric) if many else (_cell(run, sweep.metric, outdated) for run in row))
        )
    return table


def _condensed(row: Sequence[Run | None], metric: str) -> tuple[str, str]:
    """Return how many seeds of a row are in each state, and the mean metric of those that are done."""
    states = Counter("not started" if run is None else run.state for run in row)
    values = [run.result["metrics"].get(metric) for run in row if run is not None and run.state == "done"]
    values = [value for value in values if value is not None]
    marks = MARKS | {"running": "[cyan]▶[/]", "not started": "·"}
    counted = ", ".join(f"{marks[state]} {count} {state}" for state, count in states.most_common())
    return counted, f"{statistics.mean(values):.4f}" if values else "-"


def _cell(run: Run | None, metric: str, outdated: Callable[[Run], bool]) -> str:
    """Return the state of a run; a done one that is out of date, or has other settings than the files now give, has a `↻`."""
    if run is None:
        return "·"
    if run.state == "running":
        now = run.progress
        left = "" if now.get("left_s") is None else f", {duration(now['left_s'])} left"
        return f"[cyan]▶ {now['done']:.0%}{left}[/]" if now else "[cyan]▶[/]"
    if run.state == "done":
        value = run.result["metrics"].get(metric)
        mark = " ↻" if outdated(run) else "" if run.local else " (recorded)"
        return f"{MARKS['done']} {'-' if value is None else f'{value:.4f}'}{mark}"
    return f"{MARKS[run.state]} {run.state}"

"""The command `snnx dashboard NAME`."""

import argparse
import time
from pathlib import Path

from snnx.command.parser import Parser
from snnx.command.print_text import print_text
from snnx.command.refusal import REFUSED, complain
from snnx.dashboard.page import page
from snnx.dashboard.workspace import save_workspace
from snnx.options.sweepfile import SweepFile, sweep_named
from snnx.record.write import write
from snnx.report.data.runs import collect
from snnx.report.results import work_out

EVERY_S = 3.0  # seconds between two updates of the page
PATIENCE = 10  # after this many updates without an active run, the sweep counts as finished


def main(words: list[str]) -> int:
    """Write the dashboard of one sweep.

    Args:
        words: the command line after `snnx dashboard`.

    Returns:
        The exit code: 0 for a dashboard, 1 if there is nothing to show yet, 2 for a name or a file that is wrong.
    """
    arguments = _parser().parse_args(words)
    try:
        sweep = sweep_named(arguments.name)
        path = arguments.outputs / sweep.name / "dashboard.html"
        if not collect(sweep.name, arguments.outputs, arguments.docs):
            complain(f"snnx dashboard: no runs of {sweep.name} yet; start: {sweep.start()}")
            return 1
        print_text(str(path))
        if arguments.watch:
            _watch(sweep, arguments, path)
        _draw(sweep, arguments, path, watched=False)
        if line := save_workspace(sweep, arguments.outputs):
            print(line)
    except REFUSED as error:
        complain(f"snnx dashboard: {error}")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="snnx dashboard",
        description="Write one HTML file with a sweep's curves, table, claims, layers and failures, also while it runs.",
        epilog="example: snnx dashboard dtst_fig10_neurons --watch",
    )
    parser.add_argument("name", metavar="NAME", help="name of a sweep, as in sweep=NAME, or single")
    parser.add_argument(
        "--watch", action="store_true", help=f"update the file every {EVERY_S:g} seconds until no run is active"
    )
    parser.add_argument("--outputs", metavar="DIR", type=Path, default=Path("outputs"), help="default: %(default)s")
    parser.add_argument("--docs", metavar="DIR", type=Path, default=Path("docs/results"), help="default: %(default)s")
    return parser


def _watch(sweep: SweepFile, arguments: argparse.Namespace, path: Path) -> None:
    """Rewrite the page while any run is active, or until Ctrl-C; the last page no longer reloads itself."""
    idle = 0
    try:
        while idle < PATIENCE:  # between two runs, no run is active for a moment
            idle = 0 if _draw(sweep, arguments, path, watched=True) else idle + 1
            time.sleep(EVERY_S)
        _draw(sweep, arguments, path, watched=False)
    except KeyboardInterrupt:
        _draw(sweep, arguments, path, watched=False)
        raise


def _draw(sweep: SweepFile, arguments: argparse.Namespace, path: Path, watched: bool) -> bool:
    """Write the page, and return whether any run is active."""
    found = collect(sweep.name, arguments.outputs, arguments.docs)
    busy = any(run.state == "running" for run in found)
    write(path, page(work_out(sweep, found), arguments.outputs, live=watched))
    return busy

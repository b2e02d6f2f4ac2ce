"""The command `snnx report NAME`."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from snnx.command.parser import Parser
from snnx.command.print_text import print_text
from snnx.command.refusal import REFUSED, complain
from snnx.options.sweepfile import SweepFile, sweep_named
from snnx.record.run_folder import reject_links
from snnx.record.write import write
from snnx.report.data.claim import read as read_claims
from snnx.report.data.runs import collect
from snnx.report.data.verdict import RULE
from snnx.report.pages import card, latex
from snnx.report.pages.committed import record
from snnx.report.pages.html import page
from snnx.report.pages.markdown import document
from snnx.report.results import Results, work_out
from snnx.report.tables.comma_separated import comma_separated
from snnx.report.tables.text import terminal
from snnx.sweep.output import Output


def main(words: list[str]) -> int:
    """Print and write the report of one sweep.

    Args:
        words: the command line after `snnx report`.

    Returns:
        The exit code: 0 for a report, 1 if there is nothing to report yet, 2 for a name or a file that is wrong.
    """
    arguments = _parser().parse_args(words)
    try:
        return _report(sweep_named(arguments.name), arguments)
    except REFUSED as error:
        complain(f"snnx report: {error}")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="snnx report",
        description="Print and write the report of a sweep: the paper's numbers beside ours, verdicts on claims, and figures.",
        epilog="example: snnx report dtst_fig10_neurons --record",
    )
    parser.add_argument("name", metavar="NAME", help="name of a sweep, as in sweep=NAME, or single")
    parser.add_argument("--record", action="store_true", help="also write the record for the repository, with all scales")
    parser.add_argument(
        "--format",
        choices=["latex", "pdf", "card"],
        action="append",
        default=[],
        help="for a paper: all tables in LaTeX, all figures as PDF, a reproducibility card; can be repeated",
    )
    parser.add_argument("--row", metavar="A,B", help="print only these rows; the files contain all rows")
    parser.add_argument("--scale", metavar="NAME", help="print only runs of this scale, also those with overridden factors")
    parser.add_argument("--outputs", metavar="DIR", type=Path, default=Path("outputs"), help="default: %(default)s")
    parser.add_argument("--docs", metavar="DIR", type=Path, default=Path("docs/results"), help="default: %(default)s")
    return parser


def _report(sweep: SweepFile, arguments: argparse.Namespace) -> int:
    runs = collect(sweep.name, arguments.outputs, arguments.docs)
    narrowed = _narrowed(sweep, arguments.row.split(",")) if arguments.row else sweep
    labels = {row.label for row in narrowed.rows}
    shown = [
        run
        for run in runs
        if arguments.scale in (None, run.scale, run.scale.split(",")[0]) and (run.row in labels or narrowed is sweep)
    ]
    if not shown:
        where = f" at scale {arguments.scale}" if arguments.scale else ""
        print_text(f"snnx report: no runs of {sweep.name}{where} yet; start: {sweep.start(arguments.scale or 'small')}")
        return 1
    whole, folder = work_out(sweep, runs), arguments.outputs / sweep.name / "report"  # the files always contain all runs
    written = [*_write(whole, folder), *_for_a_paper(whole, folder, arguments.format)]
    _print(whole if narrowed is sweep and shown == runs else work_out(narrowed, shown))
    if arguments.record:
        written += record(sweep, runs, arguments.docs)
    print_text("\n".join(map(str, written)))
    return 0


def _narrowed(sweep: SweepFile, rows: list[str]) -> SweepFile:
    """Return the sweep with only these rows, their tuned twins and the cited ones, and the claims that are about these."""
    kept = tuple(row for row in sweep.rows if {row.label, row.tuned_from} & set(rows) or row.overrides is None)
    labels = {row.label for row in kept}
    found = tuple(text for text, claim in zip(sweep.claims, read_claims(sweep), strict=True) if set(claim.rows) <= labels)
    return replace(sweep, rows=kept, claims=found)


def _print(results: Results) -> None:
    console = Console(file=Output(sys.stdout), emoji=False, highlight=False)
    if not console.is_terminal:
        console = Console(file=console.file, emoji=False, highlight=False, width=200)  # a pipe has no width
    console.print(results.heading, style="bold", markup=False)
    for table in results.tables:
        console.print(terminal(table))
        for line in table.below:
            console.print(line, markup=False)
    for note in results.notes:
        console.print(note, markup=False)
    if results.verdicts:
        console.print(terminal(results.claims))
        console.print(RULE, markup=False)


def _write(results: Results, folder: Path) -> list[Path]:
    reject_links(folder)
    return [
        write(folder / "report.md", document(results)),
        write(folder / "table.csv", comma_separated(results.sweep, results.lines)),
        *([write(folder / "layers.csv", results.layers)] if results.layers else []),
        write(folder / "report.html", page(results)),
        *(write(folder / f"{plot.name}.png", plot.png) for plot in results.plots),
    ]


def _for_a_paper(results: Results, folder: Path, formats: list[str]) -> list[Path]:
    written = [write(folder / "tables.tex", latex.document(results))] if "latex" in formats else []
    written += [write(folder / "card.md", card.document(results))] if "card" in formats else []
    if "pdf" in formats:
        written += [write(folder / f"{plot.name}.pdf", plot.pdf) for plot in results.plots]
    return written

"""Everything that a report contains, computed once for the terminal, Markdown, HTML and the record."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from snnx.options.sweepfile import SweepFile
from snnx.report.data import claim
from snnx.report.data.lines import Line, lines
from snnx.report.data.relative import with_relative_energies
from snnx.report.data.run import Run
from snnx.report.data.verdict import Verdict, verdicts
from snnx.report.figures import (
    attention_maps,
    histograms,
    layer_curves,
    learning_curves,
    over_steps,
    raster,
    together,
    tradeoff,
)
from snnx.report.figures.axes import Plot
from snnx.report.figures.readable import readable
from snnx.report.pages import how_made, notes
from snnx.report.tables import claims, costs, numbers, splits, tuning
from snnx.report.tables.by_layer import by_layer
from snnx.report.tables.table import Table, without_empty_columns

UNDRAWN = (ValueError, TypeError, LookupError, ArithmeticError)
"""The errors of drawing values that have another form, for example a map that is no square."""


@dataclass(frozen=True)
class Results:
    """A sweep, its runs, and the lines, verdicts, tables and figures computed from them."""

    sweep: SweepFile
    runs: tuple[Run, ...]
    lines: tuple[Line, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def plots(self) -> tuple[Plot, ...]:
        """Every figure, of some rows if there are many; drawn on first access, because loading matplotlib takes time."""
        return self._drawn[0]

    @property
    def undrawn(self) -> list[str]:
        """A remark for each kind of figure that cannot be drawn, as of curves that are not those of a run of snnx."""
        return self._drawn[1]

    @cached_property
    def _drawn(self) -> tuple[tuple[Plot, ...], list[str]]:
        shown, remark = readable(self.sweep, self.lines)
        drawers = {
            "learning curves": learning_curves.draw,
            "tradeoff": partial(tradeoff.draw, compared=self.lines),
            "together": together.draw,
            "over steps": over_steps.draw,
            "layer curves": layer_curves.draw,
            "histograms": histograms.draw,
            "attention maps": attention_maps.draw,
            "raster": raster.draw,
        }
        plots, undrawn = [], []
        for name, draw in drawers.items():
            try:
                found = draw(self.sweep, shown)
                found = [plot.with_remark(remark) if remark else plot for plot in found]
                for plot in found:
                    _ = plot.png  # is drawn now, and then kept
            except UNDRAWN as error:
                told = " ".join(str(error).split())
                undrawn.append(f"the figures of {name} cannot be drawn, because a result has other values: {told}")
            else:
                plots += found
        return tuple(plots), undrawn

    @cached_property
    def layers(self) -> str:
        """The metrics that were measured layer by layer, as CSV; see `by_layer`."""
        return by_layer(self.lines)

    @property
    def heading(self) -> str:
        """The first line of the comment at the top of the sweep file."""
        return self.sweep.title.split("\n")[0] or self.sweep.name

    @property
    def command(self) -> str:
        """The second line of that comment: the command and its cost; empty for single runs."""
        return "".join(self.sweep.title.split("\n")[1:2]).strip()

    @property
    def about(self) -> str:
        """The rest of that comment as one paragraph: what to know before reading the numbers."""
        return " ".join(line.strip() for line in self.sweep.title.split("\n")[2:])

    @cached_property
    def tables(self) -> list[Table]:
        """At least one table: one per metric with the paper's numbers beside ours, then costs, splits and searches.

        The cost table comes first if the sweep file gives no numbers of a paper. Metrics that it shows get no second table,
        except the sweep's own metric and those that the paper reports.
        """
        cost = costs.table(self.sweep, self.lines)
        reported = {metric for row in self.sweep.rows for metric in row.reported}
        in_cost = costs.SHOWN_METRICS - reported - {self.sweep.metric} if cost else set()
        shown = [name for name in numbers.metrics(self.sweep) if name not in in_cost]
        compared = [numbers.numbers(self.sweep, self.lines, name) for name in shown]
        tables = [*compared, cost] if reported else [cost, *compared]
        tables += [splits.splits(self.sweep, self.lines), tuning.tuning(self.lines), tuning.fronts(self.lines)]
        return [without_empty_columns(entry) for entry in tables if entry]

    @property
    def claims(self) -> Table:
        """Every claim with its verdict."""
        return claims.claims(self.verdicts)

    @cached_property
    def notes(self) -> list[str]:
        """The remarks below the tables, such as failed runs and their errors."""
        return [*notes.notes(self.sweep, self.lines), *notes.left_out(claim.read(self.sweep), self.verdicts, self.lines)]

    @property
    def provenance(self) -> list[tuple[str, str]]:
        """How the runs were made: command, machine, versions, code and data."""
        return how_made.how_made(self.runs)

    @property
    def pictured(self) -> list[tuple[str, str]]:
        """One line that names the test samples in the figures, like the lines of `provenance`; empty if no figure shows any."""
        return how_made.pictured(self.runs) if any(plot.samples for plot in self.plots) else []


def work_out(sweep: SweepFile, runs: Sequence[Run]) -> Results:
    """Average the runs of a sweep and decide its claims.

    Raises:
        ValueError: a claim of the sweep file is malformed; see `claim.parse`.
    """
    claimed = claim.read(sweep)
    grouped = with_relative_energies(sweep.reference, lines([row.label for row in sweep.measured], runs))
    return Results(sweep, tuple(runs), tuple(grouped), tuple(verdicts(sweep, claimed, grouped)))

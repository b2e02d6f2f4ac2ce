"""Everything that a report contains, computed once for the terminal, Markdown, HTML and the record."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

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


@dataclass(frozen=True)
class Results:
    """A sweep, its runs, and the lines, verdicts, tables and figures computed from them."""

    sweep: SweepFile
    runs: tuple[Run, ...]
    lines: tuple[Line, ...]
    verdicts: tuple[Verdict, ...]

    @cached_property
    def plots(self) -> tuple[Plot, ...]:
        """Every figure, of some rows if there are many; drawn on first access, because loading matplotlib takes time."""
        sweep, (shown, remark) = self.sweep, readable(self.sweep, self.lines)
        plots = (
            *learning_curves.draw(sweep, shown),
            *tradeoff.draw(sweep, shown, compared=self.lines),
            *together.draw(sweep, shown),
            *over_steps.draw(sweep, shown),
            *layer_curves.draw(sweep, shown),
            *histograms.draw(sweep, shown),
            *attention_maps.draw(sweep, shown),
            *raster.draw(sweep, shown),
        )
        return tuple(plot.with_remark(remark) for plot in plots) if remark else plots

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

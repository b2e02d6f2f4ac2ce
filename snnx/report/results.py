"""Everything that a report says, worked out once for the terminal, the Markdown, the page and the record."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from snnx.options.sweepfile import SweepFile
from snnx.report.data import claims
from snnx.report.data.lines import Line, lines
from snnx.report.data.runs import Run
from snnx.report.data.verdict import Verdict, verdicts
from snnx.report.figures import anytime, attention_maps, histograms, layer_curves, learning_curves, raster, tradeoff
from snnx.report.figures.axes import Plot
from snnx.report.pages import notes
from snnx.report.tables import costs, table
from snnx.report.tables.by_layer import by_layer

FIGURES = (
    learning_curves.draw,
    tradeoff.draw,
    anytime.draw,
    layer_curves.draw,
    histograms.draw,
    attention_maps.draw,
    raster.draw,
)  # each: (sweep, lines) -> plots, none where it has nothing to draw


@dataclass(frozen=True)
class Results:
    """A sweep, its runs, and what follows from them."""

    sweep: SweepFile
    runs: tuple[Run, ...]
    lines: tuple[Line, ...]
    verdicts: tuple[Verdict, ...]

    @cached_property
    def plots(self) -> tuple[Plot, ...]:
        """Every figure, drawn when it is first asked for."""
        return tuple(plot for figure in FIGURES for plot in figure(self.sweep, self.lines))

    @cached_property
    def layers(self) -> str:
        """What was probed of each layer, as CSV."""
        return by_layer(self.lines)

    @property
    def heading(self) -> str:
        """The first line of the comment on top of the sweep file."""
        return self.sweep.title.split("\n")[0] or self.sweep.name

    @property
    def command(self) -> str:
        """The second line of that comment: the command, and what it costs; empty for single runs."""
        return "".join(self.sweep.title.split("\n")[1:2]).strip()

    @property
    def about(self) -> str:
        """The rest of that comment, as one paragraph: what to know before reading numbers."""
        return " ".join(line.strip() for line in self.sweep.title.split("\n")[2:])

    @property
    def tables(self) -> list[table.Table]:
        """The paper's numbers beside ours, a table a metric, what each row costs, and the splits side by side, never none.

        The cost comes first where there are no numbers of a paper; of the metrics in it, that of the sweep alone has a table
        of its own, which says how far each row is.
        """
        cost, splits = costs.table(self.sweep, self.lines), table.splits(self.sweep, self.lines)
        reported = {metric for row in self.sweep.rows for metric in row.reported}
        told = costs.METRICS - reported - {self.sweep.metric} if cost else set()
        found = [table.numbers(self.sweep, self.lines, name) for name in table.metrics(self.sweep) if name not in told]
        return [table.lean(one) for one in ([*found, cost, splits] if reported else [cost, *found, splits]) if one]

    @property
    def claims(self) -> table.Table:
        """Every claim with its verdict."""
        return table.claims(self.verdicts)

    @property
    def notes(self) -> list[str]:
        """What stands below the tables."""
        return notes.notes(self.sweep, self.lines)

    @property
    def provenance(self) -> list[tuple[str, str]]:
        """What the runs were made with."""
        return notes.provenance(self.runs)


def work_out(sweep: SweepFile, runs: Sequence[Run]) -> Results:
    """Average, compare and decide.

    Raises:
        ValueError: a claim of the sweep file cannot be read.
    """
    claimed = claims.read(sweep)
    grouped = lines([row.label for row in sweep.live], runs)
    return Results(sweep, tuple(runs), tuple(grouped), tuple(verdicts(sweep, claimed, grouped)))

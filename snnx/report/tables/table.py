"""The tables of a report, and how they are written for a terminal, as Markdown and as CSV."""

import csv
import io
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.table import Table as RichTable
from rich.text import Text

from snnx.options.sweepfile import Row, SweepFile
from snnx.options.unit import factor, with_unit
from snnx.report.data.evidence import Evidence
from snnx.report.data.format import decimals, spread
from snnx.report.data.lines import Line
from snnx.report.data.verdict import Verdict

EMPTY = "-"  # a cell without a value
SPLITS = {
    "train last": "train/acc",
    "val last": "val/acc",
    "val best": "val/acc_best",
    "test last": "test/acc",
    "test at best val": "test/acc_best",
}
CLAIM_COLUMNS = (
    "claim",
    "metric",
    "scale",
    "verdict",
    "compared",
    "L - R [90 %]",
    "seeds, test set",
    "p, adjusted",
    "P(L > R)",
    "n",
    "remark",
)
CSV_COLUMNS = (
    "row",
    "scale",
    "further",
    "group",
    "metric",
    "unit",
    "paper",
    "mean",
    "std",
    "n",
    "difference",
    "status",
)


@dataclass(frozen=True)
class Table:
    """A table whose cells are text."""

    title: str
    columns: tuple[str, ...]
    align: str  # one letter per column: l or r
    rows: tuple[tuple[str, ...], ...]
    below: tuple[str, ...] = ()  # lines below the table, such as formulas


def metrics(sweep: SweepFile) -> list[str]:
    """The metrics that get a table: the sweep's metric, then those that rows report and that claims compare."""
    others = [metric for row in sweep.rows for metric in row.reported] + [claim["metric"] for claim in sweep.claims]
    return list(dict.fromkeys([sweep.metric, *others]))


def mean_std(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and sample standard deviation (with n - 1); the latter is `None` for a single value.

    Example:
        >>> mean_std([1.0, 3.0]), mean_std([2.0])
        ((2.0, 1.4142135623730951), (2.0, None))
    """
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None


def numbers(sweep: SweepFile, lines: Sequence[Line], metric: str) -> Table:
    """Make a metric's table: the paper's number, ours and their difference, in the unit of the sweep."""
    known, rows = {row.label for row in sweep.rows}, []
    for row in sweep.rows:
        if row.cited is not None:
            rows.append(_cited(row, metric))
        rows += [_measured(sweep, line, row.reported.get(metric), metric) for line in lines if line.row == row.label]
    rows += [_measured(sweep, line, None, metric) for line in lines if line.row not in known]
    columns = ("row", "paper", "ours, mean ± std (n)", "difference", "scale", "status")
    return Table(with_unit(sweep.unit, metric), columns, "lrrrll", tuple(rows))


def without_empty_columns(table: Table) -> Table:
    """Drop the columns in which every cell is empty; the first column is always kept.

    Example:
        >>> without_empty_columns(Table("", ("row", "paper", "ours"), "lrr", (("A", "-", "0.9"), ("B", "-", "-")))).columns
        ('row', 'ours')
    """
    kept = [index for index in range(len(table.columns)) if not index or any(row[index] != EMPTY for row in table.rows)]
    columns, align = tuple(table.columns[index] for index in kept), "".join(table.align[index] for index in kept)
    return replace(table, columns=columns, align=align, rows=tuple(tuple(row[index] for index in kept) for row in table.rows))


def splits(sweep: SweepFile, lines: Sequence[Line]) -> Table | None:
    """Make the table of training, validation and test accuracy, after the last epoch and at the best validation accuracy.

    Returns:
        `None` if no line has a training or validation accuracy.
    """
    times = factor(sweep.unit, "acc")
    rows = []
    for line in lines:
        found = {split: list(line.values(metric).values()) for split, metric in SPLITS.items()}
        if not found["val last"]:
            found["test at best val"] = []
        if found["train last"] or found["val last"]:
            cells = (spread(*mean_std([times * value for value in values])) if values else EMPTY for values in found.values())
            rows.append((line.label, line.scale, *cells))
    title = with_unit(sweep.unit, "acc").replace("acc", "Accuracy by split")
    return Table(title, ("row", "scale", *SPLITS), "ll" + "r" * len(SPLITS), tuple(rows)) if rows else None


def claims(verdicts: Sequence[Verdict]) -> Table:
    """Make the table of claims: a row for each comparison, with the claim and its verdict in the first.

    If all claims are decided at the same scale and further overrides, these stand in the title.
    """
    scales = list(dict.fromkeys(f"{verdict.scale} {verdict.further}".strip() for verdict in verdicts))
    rows = []
    for verdict in verdicts:
        scale = f"{verdict.scale} {verdict.further}".strip() if len(scales) > 1 else EMPTY
        metric = verdict.claim.metric + " per layer" * verdict.claim.per_layer
        first = (verdict.claim.text, metric, scale, verdict.outcome)
        chain = len(verdict.evidence) > 1
        for place, one in enumerate(verdict.evidence):
            compared = one.layer or (f"{one.left}, {one.right}" if chain else EMPTY)
            rows.append((*(first if place == 0 else ("",) * len(first)), compared, *_evidence(one)))
    title = f"Claims, scale {scales[0]}" if len(scales) == 1 else "Claims"
    return without_empty_columns(Table(title, CLAIM_COLUMNS, "lllllrrrrrl", tuple(rows)))


def _evidence(one: Evidence) -> tuple[str, ...]:
    """Write one comparison in the last six of CLAIM_COLUMNS."""
    if one.estimate is None:
        return (EMPTY, EMPTY, EMPTY, EMPTY, str(one.n), one.why)
    digits = max(0, decimals(one.estimate.half_width or abs(one.estimate.mean)) - 1)
    parts = (one.estimate.half_width_of_seeds, one.estimate.half_width_of_samples)
    seeds, samples = (f"±{part:.{digits}f}" if part else EMPTY for part in parts)
    p = EMPTY if one.p is None else f"{one.p:.2g}, {one.adjusted:.2g}"
    higher = EMPTY if one.higher is None else f"{one.higher:.2f}"
    return (one.interval, f"{seeds}, {samples}", p, higher, str(one.n), one.why or EMPTY)


def text(table: Table) -> RichTable:
    """Format a table for a terminal."""
    drawn = RichTable(title=Text(table.title), title_justify="left", header_style="bold")
    for column, side in zip(table.columns, table.align, strict=True):
        drawn.add_column(Text(column), justify="right" if side == "r" else "left", overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(cell) for cell in row))  # as plain str, rich would read metric=[potential] as markup
    return drawn


def markdown(table: Table) -> str:
    """Format a table as GitHub Markdown.

    Example:
        >>> print(markdown(Table("", ("row", "ours"), "lr", (("a|b", "0.9"),))))
        | row | ours |
        | :--- | ---: |
        | a\\|b | 0.9 |
    """
    rule = tuple("---:" if side == "r" else ":---" for side in table.align)
    body = [tuple(cell.replace("|", "\\|") for cell in row) for row in table.rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in (table.columns, rule, *body))


def comma_separated(sweep: SweepFile, lines: Sequence[Line]) -> str:
    """Write all numbers as CSV, with all digits and in the sweep's unit: one line per row, configuration and metric."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for metric in metrics(sweep):
        times = factor(sweep.unit, metric)
        unit = "%" if times != 1.0 else ""
        for row in sweep.rows:
            if row.cited is not None:
                paper = row.reported.get(metric, "")
                writer.writerow((row.label, "", "", "", metric, unit, paper, "", "", "", "", f"cited: {row.cited}"))
        reported = {row.label: row.reported.get(metric) for row in sweep.rows}
        for line in lines:
            values, paper = list(line.values(metric).values()), reported.get(line.row)
            mean, std = mean_std([times * value for value in values]) if values else (None, None)
            difference = None if mean is None or paper is None else mean - paper
            group = next((run.group for run in line.runs if run.group), None)
            further = next(iter(line.further), "")
            cells = (line.row, line.scale, further, group, metric, unit, paper, mean, std, len(values), difference)
            writer.writerow((*cells, line.status))
    return file.getvalue()


def _measured(sweep: SweepFile, line: Line, paper: float | None, metric: str) -> tuple[str, ...]:
    values = [factor(sweep.unit, metric) * value for value in line.values(metric).values()]
    ours = difference = EMPTY
    if values:
        mean, std = mean_std(values)
        ours = f"{spread(mean, std)} (n={len(values)})"
        if paper is not None:
            difference = f"{mean - paper:+.{decimals(mean)}f}"
    return line.label, EMPTY if paper is None else f"{paper:g}", ours, difference, line.scale or EMPTY, line.status


def _cited(row: Row, metric: str) -> tuple[str, ...]:
    paper = f"{row.reported[metric]:g}" if metric in row.reported else EMPTY
    source = f" ({row.source})" if row.source else ""
    return row.label, paper, EMPTY, EMPTY, EMPTY, f"cited: {row.cited}{source}"

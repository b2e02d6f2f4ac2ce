"""The table of one metric: the paper's number beside ours."""

from collections.abc import Sequence

from snnx.options.row import Row
from snnx.options.sweepfile import SweepFile
from snnx.options.unit import factor, with_unit
from snnx.report.data.format import decimals, mean_std, spread
from snnx.report.data.lines import Line
from snnx.report.data.relative import formula
from snnx.report.tables.table import EMPTY, Table


def metrics(sweep: SweepFile) -> list[str]:
    """The metrics that get a table: the sweep's metric, then those that rows report and that claims compare."""
    others = [metric for row in sweep.rows for metric in row.reported] + [claim["metric"] for claim in sweep.claims]
    return list(dict.fromkeys([sweep.metric, *others]))


def numbers(sweep: SweepFile, lines: Sequence[Line], metric: str) -> Table:
    """Make a metric's table: the paper's number, ours and their difference, in the unit of the sweep."""
    known, rows = {row.label for row in sweep.rows}, []
    for row in sweep.rows:
        if row.cited is not None:
            rows.append(_cited(row, metric))
        rows += [_measured(sweep, line, row.reported.get(metric), metric) for line in lines if line.row == row.label]
    rows += [_measured(sweep, line, None, metric) for line in lines if line.row not in known]
    columns = ("row", "paper", "ours, mean ± std (n)", "difference", "scale", "status")
    return Table(with_unit(sweep.unit, metric), columns, "lrrrll", tuple(rows), formula(sweep.reference, metric))


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

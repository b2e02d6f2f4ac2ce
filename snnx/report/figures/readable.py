"""Chooses the rows that figures show, if a sweep has more of them than a person can tell apart."""

from collections.abc import Sequence
from statistics import fmean

from snnx.options.sweepfile import SweepFile
from snnx.report.data.lines import Line
from snnx.report.figures.axes import COLOURS, DASHES

MANY = len(COLOURS) * len(DASHES)  # more rows would have to share their colour and dash
DRAWN = 2 * len(COLOURS)  # of many rows; more would not fit into a legend beside the panel


def readable(sweep: SweepFile, lines: Sequence[Line]) -> tuple[list[Line], str]:
    """Choose `DRAWN` of more than `MANY` rows, evenly spaced in their ranking by the mean of the sweep's metric.

    The choice shows how the numbers are distributed: it has the worst and the best row, and every part of the ranking in
    between has the same share. It does not depend on what a row is called or where it stands in the sweep file.

    Args:
        sweep: its metric ranks the rows. A row at several scales is ranked by its first line; one without a value comes first.
        lines: the lines of the table.

    Returns:
        The lines of the chosen rows in the order of the table, and a remark for the figures; the remark is empty if all rows
        that have a done run were chosen.
    """
    means: dict[str, float] = {}
    for line in lines:
        if line.done:
            values = line.values(sweep.metric).values()
            means.setdefault(line.label, fmean(values) if values else float("-inf"))
    if len(means) <= MANY:
        return list(lines), ""
    ranked = sorted(means, key=means.__getitem__)
    chosen = {ranked[round(step * (len(ranked) - 1) / (DRAWN - 1))] for step in range(DRAWN)}
    remark = (
        f"{DRAWN} of {len(ranked):,} rows are drawn, at evenly spaced ranks from the lowest mean {sweep.metric} to the highest"
    )
    return [line for line in lines if line.label in chosen], remark

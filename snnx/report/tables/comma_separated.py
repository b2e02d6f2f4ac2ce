"""All numbers of a sweep as CSV."""

import csv
import io
from collections.abc import Sequence

from snnx.options.sweepfile import SweepFile
from snnx.options.unit import factor
from snnx.report.data.format import mean_std
from snnx.report.data.lines import Line
from snnx.report.tables.numbers import metrics
from snnx.report.tables.spreadsheet import as_text

COLUMNS = (
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


def comma_separated(sweep: SweepFile, lines: Sequence[Line]) -> str:
    """Write all numbers as CSV, with all digits and in the sweep's unit: one line per row, configuration and metric.

    A text that a spreadsheet would compute has an apostrophe before it, see `as_text`.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for metric in metrics(sweep):
        times = factor(sweep.unit, metric)
        unit = "%" if times != 1.0 else ""
        for row in sweep.rows:
            if row.cited is not None:
                paper = row.reported.get(metric, "")
                cells = (row.label, "", "", "", metric, unit, paper, "", "", "", "", f"cited: {row.cited}")
                writer.writerow(map(as_text, cells))
        reported = {row.label: row.reported.get(metric) for row in sweep.rows}
        for line in lines:
            values, paper = list(line.values(metric).values()), reported.get(line.row)
            mean, std = mean_std([times * value for value in values]) if values else (None, None)
            difference = None if mean is None or paper is None else mean - paper
            group = next((run.group for run in line.runs if run.group), None)
            further = next(iter(line.further), "")
            cells = (line.row, line.scale, further, group, metric, unit, paper, mean, std, len(values), difference)
            writer.writerow(map(as_text, (*cells, line.status)))
    return file.getvalue()

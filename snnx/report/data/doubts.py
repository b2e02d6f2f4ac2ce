"""Finds doubts about the runs of a row that is compared: a failed audit, other settings, or other code."""

from collections.abc import Mapping

from snnx.options.differences import Confound, confounds
from snnx.options.sweepfile import SweepFile
from snnx.report.data.changed_rows import ChangedRows
from snnx.report.data.lines import Line
from snnx.report.data.other_code import OtherCode


class Doubts:
    """Finds the doubts about the rows of claims. The claims are decided all the same; tables show the doubts beside them.

    Args:
        sweep: the sweep file, with its factor and the present settings of its rows.
    """

    def __init__(self, sweep: SweepFile) -> None:
        self._sweep = sweep
        self._rows, self._codes = ChangedRows(sweep), OtherCode()
        self._labels = {row.label for row in sweep.measured}

    def is_present(self, line: Line) -> bool:
        """Whether the runs of a line have the settings that the files give their row today."""
        return line.row in self._labels and bool(line.runs) and not self._rows.changes(line.runs[0].result)

    def against(self, lines: Mapping[str, Line]) -> dict[str, str]:
        """Return the doubts about each row of a claim, as text.

        Args:
            lines: the line of the table with the runs of each row.
        """
        found: dict[str, list[str]] = {row: [] for row in lines}
        for label, line in lines.items():
            if line.failed_checks:
                found[label].append(f"failed the audit ({', '.join(line.failed_checks)})")
            if any(self._rows.changes(run.result) for run in line.done):
                found[label].append("has other settings now")
            if (count := self._codes.versions(line.done)) > 1:
                found[label].append(f"is a mean over results of {count} different codes")
        differing: dict[tuple[str, str], list[str]] = {}
        for one in self._confounds(lines):
            differing.setdefault((one.row, one.base), []).append(one.change.partition(":")[0])
        for (row, base), aspects in differing.items():
            found[row].append(f"also differs from {base} in {', '.join(dict.fromkeys(aspects))}")
        return {row: " and ".join(dict.fromkeys(texts)) for row, texts in found.items() if texts}

    def _confounds(self, lines: Mapping[str, Line]) -> list[Confound]:
        """Compare the runs of one seed that all rows have."""
        runs = {row: {run.seed: run.result for run in line.done if run.result.get("physics")} for row, line in lines.items()}
        common = set.intersection(*(set(of) for of in runs.values())) if self._sweep.factor and runs else set()
        first = {row: of[min(common)] for row, of in runs.items()} if common else {}
        configs, networks = ({row: result.get(key) for row, result in first.items()} for key in ("physics", "built"))
        return confounds(self._sweep.may_differ, configs, networks) if first else []

"""What speaks against a row in a comparison although it has its runs: a failed audit, another setting, older settings."""

from collections.abc import Mapping

from snnx.options.differences import Confound, confounds
from snnx.options.sweepfile import SweepFile
from snnx.report.data.changed_rows import changed
from snnx.report.data.lines import Line


def doubts(sweep: SweepFile, lines: Mapping[str, Line]) -> dict[str, str]:
    """Say what speaks against each row of a claim. The claim is decided all the same, and the table names the doubt beside it.

    Args:
        sweep: the sweep file, with its factor and the present settings of its rows.
        lines: the line of the table with the runs of each row.
    """
    found: dict[str, list[str]] = {row: [] for row in lines}
    rows = {row.label: row for row in sweep.measured}
    for label, line in lines.items():
        if line.failed_checks:
            found[label].append(f"failed the audit ({', '.join(line.failed_checks)})")
        if label in rows and any(changed(rows[label], run.result) for run in line.done):
            found[label].append("has other settings in the sweep file now")
    differing: dict[tuple[str, str], list[str]] = {}
    for one in _confounds(sweep, lines):
        differing.setdefault((one.row, one.base), []).append(one.change.partition(":")[0])
    for (row, base), aspects in differing.items():
        found[row].append(f"also differs from {base} in {', '.join(dict.fromkeys(aspects))}")
    return {row: " and ".join(dict.fromkeys(texts)) for row, texts in found.items() if texts}


def _confounds(sweep: SweepFile, lines: Mapping[str, Line]) -> list[Confound]:
    """Compare the runs of one seed that all rows have."""
    runs = {row: {run.seed: run.result for run in line.done if run.result.get("physics")} for row, line in lines.items()}
    common = set.intersection(*(set(of) for of in runs.values())) if sweep.factor and runs else set()
    first = {row: of[min(common)] for row, of in runs.items()} if common else {}
    configs, networks = ({row: result.get(key) for row, result in first.items()} for key in ("physics", "built"))
    return confounds(sweep.may_differ, configs, networks) if first else []

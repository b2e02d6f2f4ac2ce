"""What speaks against a row in a comparison although it has its runs: a failed audit, another setting, older settings."""

from collections.abc import Mapping

from snnx.options.differences import unexplained
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
    for label, key, base in _confounds(sweep, lines):
        found[label].append(f"also differs from {base} in {key}")
    return {row: " and ".join(dict.fromkeys(texts)) for row, texts in found.items() if texts}


def _confounds(sweep: SweepFile, lines: Mapping[str, Line]) -> list[tuple[str, str, str]]:
    """Return the settings outside the sweep's factor in which a row differs from the first: row, setting, first row."""
    if not sweep.factor:
        return []
    may_differ = [*sweep.factor, *(sweep.tune.keys if sweep.tune else ())]
    runs = {
        row: {run.seed: run.result["physics"] for run in line.done if run.result.get("physics")} for row, line in lines.items()
    }
    seeds = set.intersection(*(set(of) for of in runs.values())) if runs else set()
    found = []
    for seed in sorted(seeds)[:1]:
        for text in unexplained(may_differ, {row: of[seed] for row, of in runs.items()}):
            row, _, rest = text.partition(" compared to ")
            base, key, _ = rest.split(": ", 2)
            found.append((row, key, base))
    return found

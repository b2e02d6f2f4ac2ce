"""The page that lists the results of all sweeps in the record, and the rows that have not run."""

from collections import Counter
from collections.abc import Sequence, Set
from pathlib import Path

from snnx.options.files import files
from snnx.options.sweepfile import SweepFile, read
from snnx.options.unit import factor
from snnx.report.data.evidence import FAILS, HOLDS, OPEN
from snnx.report.data.format import duration, spread
from snnx.report.data.lines import scales
from snnx.report.data.run import DAMAGED, Run
from snnx.report.data.runs import collect
from snnx.report.data.verdict import DECIDED
from snnx.report.results import Results, work_out
from snnx.report.tables.table import Table
from snnx.report.tables.text import escaped, markdown

PAPERS = {  # the tags that sweep files have under `paper:`, in the order of the page
    "dtst": "Direct Training of Spiking Transformers",
    "ds2ta": "DS2TA: Denoising Spiking Transformer with Attenuated Spatiotemporal Attention",
    "fut": "On the Future of Training Spiking Neural Networks",
    "dta": "Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold",
    "ettfs": "ETTFS: An Efficient Training Framework for Time-to-First-Spike Neuron",
}
OWN_SWEEPS = "Other sweeps"
COLUMNS = (
    "sweep",
    "artifact",
    "scale",
    "rows run",
    "n",
    "claims that hold",
    "do not hold",
    "undecided",
    "largest difference from the paper",
    "time and machine",
)


def page(docs: Path) -> str:
    """Write the page, as Markdown.

    If the current folder has sweep files, sweeps from elsewhere appear only if the record has runs of them.

    Args:
        docs: the folder of the record.

    Raises:
        ValueError: a sweep file or a line of the record cannot be read.
    """
    found: dict[str, list[tuple[str, ...]]] = {}
    waiting: dict[str, list[str]] = {}
    own = Path("sweeps").resolve()
    for name, path in files("sweep").items():
        sweep = read(path)
        runs = collect(name, docs / ".none", docs)
        if damaged := [run.cause for run in runs if run.state == DAMAGED]:
            raise ValueError(f"{damaged[0]}: restore or delete the line")
        if own.is_dir() and path.parent != own and not runs:
            continue
        paper = PAPERS.get(sweep.paper, OWN_SWEEPS)
        if runs:
            found.setdefault(paper, []).extend(_table_rows(work_out(sweep, runs), runs))
        if left := _not_run(sweep, runs):
            waiting.setdefault(paper, []).append(left)
    parts = [
        "# Results",
        "This page lists what has been run and recorded for each table and figure. `snnx results` writes it from the records "
        "beside it. Scale `paper` is the setting of the recipe or sweep file when the runs were made, which follows the paper "
        "if there is one; the page of a sweep names the settings that have changed since. Scale `small` and "
        "the factors `budget.…` use a fraction of its epochs, samples and width: such runs can show which row is better, but "
        "not which values the full setting reaches. *n* is the number of seeds of a row. "
        f"{DECIDED} The page of each sweep has the intervals, and says how p-values are adjusted.",
    ]
    for paper in (*PAPERS.values(), OWN_SWEEPS):
        if paper in found or paper in waiting:
            parts.append(f"## {paper}")
        if paper in found:
            parts.append(markdown(Table(paper, COLUMNS, "lllrrrrrll", tuple(found[paper]))))
        if paper in waiting:
            parts.append("Not recorded:\n\n" + "\n".join(waiting[paper]))
    return "\n\n".join(parts) + "\n"


def _not_run(sweep: SweepFile, runs: Sequence[Run]) -> str:
    """The rows of a sweep that have not run at any scale, with the command that runs them; empty if all rows have run."""
    ran = {run.row for run in runs if run.state == "done"}
    rows = [row.label for row in sweep.live if row.label not in ran]
    twins = [row for row in sweep.measured if row.tuned_from]
    tuned = [row.tuned_from for row in twins if row.label not in ran]
    command, artifact, found = f"snnx -m sweep={sweep.name}", escaped(str(sweep.artifact)), []
    if not runs:
        found.append(f"- {artifact}: `{command}`{_why_not_run(sweep, set())}")
    elif rows:
        why = _why_not_run(sweep, {run.state for run in runs if run.row in rows})
        found.append(f"- {artifact}, {len(rows)} of {len(sweep.live)} rows: `{command} row={','.join(rows)}`{why}")
    if tuned:
        rows_of = f"{len(tuned)} of {len(twins)} tuned rows"
        found.append(f"- {artifact}, {rows_of}: `{command} hydra/sweeper=snnx_tune row={','.join(tuned)}`")
    return "\n".join(found)


def _why_not_run(sweep: SweepFile, ended: Set[str]) -> str:
    """Why the rows have not run, if that is known; `ended` contains the states of the runs that were started."""
    if sweep.needs:
        return f", which needs {escaped(str(sweep.needs))}"
    if "no data" in ended:
        return ", whose data set was not on the machine"
    return f" (runs so far: {' and '.join(sorted(ended))})" if ended else ""


def _table_rows(results: Results, runs: Sequence[Run]) -> list[tuple[str, ...]]:
    """One table row for each scale of the sweep."""
    sweep, found = results.sweep, []
    for scale in scales(results.lines):
        lines = [line for line in results.lines if line.scale == scale]
        done = {line.row for line in lines if line.done}
        seeds = sorted({len(line.done) for line in lines if line.done}) or [0]
        outcomes = Counter(verdict.outcome for verdict in results.verdicts if verdict.scale == scale)
        ended = [run for run in runs if run.scale == scale and run.state == "done"]
        took = duration(sum(run.result.get("wall_s") or 0.0 for run in ended))
        found.append(
            (
                f"[{sweep.name}]({sweep.name}.md)", str(sweep.artifact), scale, f"{len(done)} of {len(sweep.measured)}",
                f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0]),
                str(outcomes[HOLDS]), str(outcomes[FAILS]), str(outcomes[OPEN]),
                _largest_difference(results, scale), f"{took}, {_device(ended)}",
            )
        )  # fmt: skip
    return found


def _largest_difference(results: Results, scale: str) -> str:
    """The row whose mean of the sweep's metric differs most from the paper's number, and by how much."""
    sweep, differences = results.sweep, []
    times = factor(sweep.unit, sweep.metric)
    for row in sweep.live:
        for line in results.lines:
            values = line.values(sweep.metric) if (line.row, line.scale) == (row.label, scale) else {}
            if values and sweep.metric in row.reported:
                differences.append((times * sum(values.values()) / len(values) - row.reported[sweep.metric], line.label))
    if not differences and any(sweep.metric in row.reported for row in sweep.live):
        return "rows with a reported number have not run"
    if not differences:
        return "no reported number"
    difference, label = max(differences, key=lambda pair: abs(pair[0]))
    return f"{label}: {'+' if difference > 0 else ''}{spread(difference, None)}{' ' + sweep.unit if sweep.unit else ''}"


def _device(runs: Sequence[Run]) -> str:
    names = Counter(str(run.result.get("device") or "unknown device") for run in runs)
    return "; ".join(name for name, _ in names.most_common(2))

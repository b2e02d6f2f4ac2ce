"""The page that lists what every sweep of the record has shown, and what has not run."""

from collections import Counter
from collections.abc import Sequence, Set
from pathlib import Path

from snnx.options.files import files
from snnx.options.sweepfile import SweepFile, read
from snnx.options.unit import factor
from snnx.report.data.format import duration, spread
from snnx.report.data.lines import scales
from snnx.report.data.runs import Run, collect
from snnx.report.data.verdict import FAILS, HOLDS, OPEN, RULE
from snnx.report.results import Results, work_out
from snnx.report.tables.table import Table, markdown

PAPERS = {  # as `paper:` of a sweep file, in the order of the page
    "dtst": "Direct Training of Spiking Transformers",
    "ds2ta": "DS2TA: Denoising Spiking Transformer with Attenuated Spatiotemporal Attention",
    "fut": "On the Future of Training Spiking Neural Networks",
    "dta": "Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold",
    "ettfs": "ETTFS: An Efficient Training Framework for Time-to-First-Spike Neuron",
}
OURS = "Of our own"
COLUMNS = ("sweep", "what", "scale", "rows run", "n", "held", "not held", "undecided", "farthest from the paper", "time")


def page(docs: Path) -> str:
    """The page, as Markdown. In a folder with sweeps of its own, those from elsewhere that never ran here are left out.

    Raises:
        ValueError: a sweep file or a line of the record cannot be read.
    """
    found: dict[str, list[tuple[str, ...]]] = {}
    waiting: dict[str, list[str]] = {}
    own = Path("sweeps").resolve()
    for name, path in files("sweep").items():
        sweep = read(path)
        runs = collect(name, docs / ".none", docs)
        if own.is_dir() and path.parent != own and not runs:
            continue
        paper = PAPERS.get(sweep.paper, OURS)
        if runs:
            found.setdefault(paper, []).extend(_lines(work_out(sweep, runs), runs))
        if left := _left(sweep, runs):
            waiting.setdefault(paper, []).append(left)
    parts = [
        "# Results",
        "What has been run and recorded of each table and figure, written by `make results` from the runs beside this page. "
        "Scale `paper` is the setting of the paper, or of the sweep itself where no paper has one; `small` and further factors "
        "(`budget.…`) are a part of its epochs, samples and width: they say something of orderings and nothing of levels. "
        "*n* is the number of seeds of a row. " + RULE,
    ]
    for paper in (*PAPERS.values(), OURS):
        if paper in found or paper in waiting:
            parts.append(f"## {paper}")
        if paper in found:
            parts.append(markdown(Table(paper, COLUMNS, "lllrrrrrll", tuple(found[paper]))))
        if paper in waiting:
            parts.append("Not run:\n\n" + "\n".join(waiting[paper]))
    return "\n\n".join(parts) + "\n"


def _left(sweep: SweepFile, runs: Sequence[Run]) -> str:
    """What has not run of a sweep, at whatever scale, with the command that runs it; empty if all has."""
    ran = {run.row for run in runs if run.state == "done"}
    rows = [row.label for row in sweep.live if row.label not in ran]
    if runs and not rows:
        return ""
    command, what = f"snnx -m sweep={sweep.name}", sweep.artifact
    if runs:
        command, what = f"{command} row={','.join(rows)}", f"{sweep.artifact}, {len(rows)} of {len(sweep.live)} rows"
    return f"- {what}: `{command}`{_why(sweep, {run.state for run in runs if run.row in rows})}"


def _why(sweep: SweepFile, ended: Set[str]) -> str:
    """What keeps rows from having run, where it is known; `ended` is how they ended that were tried."""
    if sweep.needs:
        return f", which needs {sweep.needs}"
    if "no data" in ended:
        return ", whose data set was not there"
    return f", which {' and '.join(sorted(ended))}" if ended else ""


def _lines(results: Results, runs: Sequence[Run]) -> list[tuple[str, ...]]:
    """A line a scale."""
    sweep, found = results.sweep, []
    for scale in scales(results.lines):
        lines = [line for line in results.lines if line.scale == scale]
        done = {line.row for line in lines if line.done}
        seeds = sorted({len(line.done) for line in lines if line.done}) or [0]
        words = Counter(verdict.word for verdict in results.verdicts if verdict.scale == scale)
        ended = [run for run in runs if run.scale == scale and run.state == "done"]
        took = duration(sum(run.result.get("wall_s") or 0.0 for run in ended))
        found.append(
            (
                f"[{sweep.name}]({sweep.name}.md)", sweep.artifact, scale, f"{len(done)} of {len(sweep.live)}",
                f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0]),
                str(words[HOLDS]), str(words[FAILS]), str(words[OPEN]), _farthest(results, scale), f"{took}, {_device(ended)}",
            )
        )  # fmt: skip
    return found


def _farthest(results: Results, scale: str) -> str:
    """The row whose mean of the sweep's metric lies farthest from the paper's number."""
    sweep, apart = results.sweep, []
    times = factor(sweep.unit, sweep.metric)
    for row in sweep.live:
        for line in results.lines:
            values = line.values(sweep.metric) if (line.row, line.scale) == (row.label, scale) else {}
            if values and sweep.metric in row.reported:
                apart.append((times * sum(values.values()) / len(values) - row.reported[sweep.metric], line.label))
    if not apart and any(sweep.metric in row.reported for row in sweep.live):
        return "rows with a number have not run"
    if not apart:
        return "no number of a paper"
    difference, label = max(apart, key=lambda pair: abs(pair[0]))
    return f"{label}: {'+' if difference > 0 else ''}{spread(difference, None)}{' ' + sweep.unit if sweep.unit else ''}"


def _device(runs: Sequence[Run]) -> str:
    names = Counter(str(run.result.get("device") or "unknown device") for run in runs)
    return "; ".join(name for name, _ in names.most_common(2))

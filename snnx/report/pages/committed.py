"""The committed record: the results of a sweep, kept in docs/results."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from snnx.options.sweepfile import SweepFile
from snnx.record.kept_weights import kept_weights
from snnx.record.write import write
from snnx.report.data.run import DAMAGED, Run
from snnx.report.pages.markdown import document
from snnx.report.results import work_out

REMARKS = "<!-- remarks -->"


def record(sweep: SweepFile, runs: Sequence[Run], docs: Path) -> list[Path]:
    """Write `<sweep>.md`, and in the folder `<sweep>/` the files `runs.jsonl`, `layers.csv` and the plots.

    Only runs that have ended are recorded. The line of the run whose weights are kept there gets their SHA-256. Text below the
    line `<!-- remarks -->` of an existing page is kept.

    Args:
        sweep: the sweep.
        runs: its runs, including those that are already in the record; see `collect`.
        docs: the folder of all records.

    Returns:
        The files that were written.

    Raises:
        ValueError: a line of the record is damaged, no run has ended, or an existing page has no line for remarks.
    """
    if damaged := [run for run in runs if run.state == DAMAGED and not run.local]:
        raise ValueError(f"{damaged[0].cause}: restore or delete the line; it would be lost if the record were written again")
    kept = [replace(run, result=entry(run, sweep.name), local=False) for run in runs if run.terminal]
    if not kept:
        raise ValueError(f"{sweep.name}: must have at least one run that has ended to be recorded; got {len(runs)} unfinished")
    if (weights := kept_weights(docs / sweep.name)) is not None:
        run, digest = weights
        kept = [replace(one, result=one.result | {"weights": digest}) if one.hash == run else one for one in kept]
    kept.sort(key=lambda run: (run.row, run.scale, run.seed, run.hash))
    results, folder, page = work_out(sweep, kept), docs / sweep.name, docs / f"{sweep.name}.md"
    written = [write(folder / "runs.jsonl", "".join(json.dumps(run.result) + "\n" for run in kept))]
    written += [write(folder / "layers.csv", results.layers)] if results.layers else []
    written += [write(folder / f"{plot.name}.png", plot.png) for plot in results.plots]
    text = document(results, images=f"{sweep.name}/")
    return [*written, write(page, f"{text}\n## Remarks\n\n{REMARKS}{remarks(page)}")]


def entry(run: Run, sweep: str) -> dict:
    """Prepare a run's result for the record: named as in this sweep, without tracebacks and paths of this machine.

    A run that two sweeps share carries the row of the sweep that ran it first; here it gets the row of `sweep`.

    Example:
        >>> result = {"row": "Baseline", "error": {"type": "OSError", "traceback": "..."}}
        >>> entry(Run("PLIF", 0, "small", "", "ab", "failed", result, True), "fig10")
        {'row': 'PLIF', 'error': {'type': 'OSError'}, 'sweep': 'fig10', 'seed': 0, 'further': '', 'hash': 'ab'}

    Raises:
        ValueError: the run's identity contains a path of this machine.
    """
    result = run.result | {"sweep": sweep, "row": run.row, "seed": run.seed, "further": run.further, "hash": run.hash}
    if result.get("error"):
        result["error"] = {key: value for key, value in result["error"].items() if key != "traceback"}
    cleaned = _without_machine_paths(result)
    if cleaned.get("physics") != result.get("physics"):  # its hash would no longer be the run's name
        root = (result["physics"].get("dataset") or {}).get("root")
        raise ValueError(
            f"{sweep}: dataset.name must be set to record a run whose name contains a path of this machine; "
            f"got {run.row} with dataset.root={root}"
        )
    return cleaned


def remarks(page: Path) -> str:
    """Read the text that people wrote below the marker of a page; a page that does not exist yet has none.

    Raises:
        ValueError: the page exists but has no marker, so that its remarks cannot be found.
    """
    if not page.is_file():
        return "\n"
    _, marker, text = page.read_text(encoding="utf-8").partition(REMARKS)
    if not marker:
        raise ValueError(f"{page}: must contain the line {REMARKS}, below which remarks are kept; add it or move the file away")
    return text


def _without_machine_paths(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_machine_paths(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_machine_paths(item) for item in value]
    if isinstance(value, str):
        for place, short in ((Path.cwd(), ""), (Path.home(), "~/")):
            value = value.replace(f"{place}/", short) if place.name else value  # not for the root folder, which has no name
        if root := os.environ.get("SNNX_DATA"):
            value = value.replace(root, "data")
    return value

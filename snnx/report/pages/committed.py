"""The committed record: what a sweep gave, kept under docs/results."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from snnx.options.sweepfile import SweepFile
from snnx.record.write import write
from snnx.report.data.runs import Run
from snnx.report.pages.markdown import document
from snnx.report.results import work_out

REMARKS = "<!-- remarks -->"


def record(sweep: SweepFile, runs: Sequence[Run], docs: Path) -> list[Path]:
    """Write `<sweep>.md`, and `runs.jsonl`, `layers.csv` and the plots into `<sweep>/`; the runs include those recorded before.

    Only runs that have ended enter. What stands below the line `<!-- remarks -->` was written by a person and is kept.

    Args:
        sweep: the sweep.
        runs: its runs, merged with the record.
        docs: the folder of all records.

    Raises:
        ValueError: no run has ended, or see `remarks`.
    """
    kept = [replace(run, result=entry(run, sweep.name), local=False) for run in runs if run.terminal]
    if not kept:
        raise ValueError(f"{sweep.name}: must have a run that has ended to be recorded; got {len(runs)} that have not")
    kept.sort(key=lambda run: (run.row, run.scale, run.seed, run.hash))
    results, folder, page = work_out(sweep, kept), docs / sweep.name, docs / f"{sweep.name}.md"
    written = [write(folder / "runs.jsonl", "".join(json.dumps(run.result) + "\n" for run in kept))]
    written += [write(folder / "layers.csv", results.layers)] if results.layers else []
    written += [write(folder / f"{plot.name}.png", plot.png) for plot in results.plots]
    text = document(results, images=f"{sweep.name}/")
    return [*written, write(page, f"{text}\n## Remarks\n\n{REMARKS}{remarks(page)}")]


def entry(run: Run, sweep: str) -> dict:
    """A run's result as the record keeps it: under this sweep's names, without paths of the machine.

    Example:
        >>> result = {"row": "Baseline", "error": {"type": "OSError", "traceback": "..."}}
        >>> entry(Run("PLIF", 0, "small", "", "ab", "failed", result, True), "fig10")
        {'row': 'PLIF', 'error': {'type': 'OSError'}, 'sweep': 'fig10', 'seed': 0, 'further': '', 'hash': 'ab'}
    """
    result = run.result | {"sweep": sweep, "row": run.row, "seed": run.seed, "further": run.further, "hash": run.hash}
    if result.get("error"):
        result["error"] = {key: value for key, value in result["error"].items() if key != "traceback"}
    return _placeless(result)


def remarks(page: Path) -> str:
    """What a person wrote below the marker; a new page has nothing there yet.

    Raises:
        ValueError: the page is there without the marker, so what is a remark cannot be told.
    """
    if not page.is_file():
        return "\n"
    _, marker, text = page.read_text(encoding="utf-8").partition(REMARKS)
    if not marker:
        raise ValueError(f"{page}: must hold the line {REMARKS}, below which remarks are kept; add it or move the file")
    return text


def _placeless(value: object) -> object:
    if isinstance(value, dict):
        return {key: _placeless(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_placeless(item) for item in value]
    if isinstance(value, str):
        for place, short in ((Path.cwd(), ""), (Path.home(), "~/")):
            value = value.replace(f"{place}/", short) if place.name else value  # not where the place is the root
        if root := os.environ.get("SNNX_DATA"):
            value = value.replace(root, "data")
    return value

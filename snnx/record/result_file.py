"""Reads a run's result: from its `result.json`, or from its line in the committed record."""

import json
import math
from pathlib import Path

from snnx.record.form import wrong_form


def to_json(value: object) -> str:
    """Convert `value` to JSON; a number that is not finite becomes null.

    Example:
        >>> to_json({"loss": float("nan"), "acc": 0.5})
        '{"loss": null, "acc": 0.5}'
    """
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read(folder: Path) -> dict | None:
    """Return the result of the run in this folder; `None` if it has not ended, or if its result cannot be used.

    A result cannot be used if it is cut short, belongs to another run, or has another form.
    """
    try:
        result = json.loads((folder / "result.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return None if wrong_form(result, folder.name) else result


def recorded(sweep: str | None, row: str, run_id: str, docs: Path = Path("docs/results")) -> dict | None:
    """Return the result of the finished run with this identity from its sweep's committed record, or `None`.

    Damaged lines are skipped.
    """
    try:
        lines = (docs / f"{sweep}" / "runs.jsonl").read_bytes().splitlines()
    except FileNotFoundError:
        return None
    found = (_parsed(line) for line in lines if run_id.encode() in line)
    return next((run for run in found if run and run["hash"] == run_id and run["row"] == row and run["status"] == "done"), None)


def _parsed(line: bytes) -> dict | None:
    try:
        result = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return None if wrong_form(result) else result

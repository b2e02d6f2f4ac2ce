"""Reads a run's result: from its `result.json`, or from its line in the committed record."""

import json
from math import isfinite
from pathlib import Path

from snnx.record.form import wrong_form
from snnx.record.read import read as read_file

LARGEST = 1 << 25  # bytes of a result; the largest of snnx have a few hundred kilobytes
DEEPEST = 200  # levels of mappings and lists in each other; results of snnx have ten
DIGITS = 18  # of the longest integer accepted in a result; Python has no limit, and a huge one overflows when averaged


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
    return None if isinstance(value, float) and not isfinite(value) else value


def parsed(content: bytes, run: str | None = None) -> dict | str:
    """Return the result that a file or a line of the record contains, or what is wrong with it.

    Args:
        content: the file or the line.
        run: identity of the run that it must belong to; `None` accepts any.

    Example:
        >>> parsed(b"[1]"), parsed(b"<<<<<<< HEAD")
        ('a result must be a mapping; got list', 'must be JSON; got a file that is cut short or damaged (...)')
    """
    try:
        result = DECODER.decode(content.decode())
    except (ValueError, RecursionError) as error:
        return f"must be JSON; got a file that is cut short or damaged ({error})"
    if content.count(b"{") + content.count(b"[") > DEEPEST and _is_deep(result):
        return f"must have at most {DEEPEST} levels; got more"
    return wrong_form(result, run) or result


def _is_deep(value: object) -> bool:
    """Whether a value has more than `DEEPEST` levels, so that a recursive function could reach Python's limit."""
    level = [value]
    for _ in range(DEEPEST):
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [one for values in inner for one in values if isinstance(one, dict | list)]
        if not level:
            return False
    return True


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > DIGITS:
        raise ValueError(f"a number must have at most {DIGITS} digits; got {len(text)}")
    return int(text)


def _float(text: str) -> float | None:
    """Read a number; one that is not finite becomes null, as in `to_json`."""
    value = float(text)
    return value if isfinite(value) else None


DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_float)  # made once, for thousands of results


def read(folder: Path) -> dict | None:
    """Return the result of the run in this folder; `None` if it has not ended, or if its result cannot be used.

    A result cannot be used if it is cut short, belongs to another run, or has another form.
    """
    try:
        found = parsed(read_file(folder / "result.json", links=False, most=LARGEST), folder.name)
    except OSError:
        return None
    return None if isinstance(found, str) else found


def recorded(sweep: str | None, row: str, run_id: str, docs: Path = Path("docs/results")) -> dict | None:
    """Return the result of the finished run with this identity from its sweep's committed record, or `None`.

    Damaged lines are skipped.
    """
    try:
        lines = read_file(docs / f"{sweep}" / "runs.jsonl").splitlines()
    except OSError:  # there is no record, or `snnx report` says what is wrong with it
        return None
    found = (parsed(line, run_id) for line in lines if run_id.encode() in line)
    return next((run for run in found if isinstance(run, dict) and run["row"] == row and run["status"] == "done"), None)

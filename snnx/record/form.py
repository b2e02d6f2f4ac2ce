"""Checks that a result that was read from a file has the entries of a result, each of its type."""

import typing
from collections.abc import Callable
from functools import cache

STATUSES = ("done", "failed", "diverged", "no data", "pruned")
FORM: dict[str, object] = {
    "status": str,
    "hash": str,
    "group": str,
    "sweep": str | None,
    "row": str,
    "seed": int,
    "scale": str,
    "further": str,
    "started": str,
    "command": str,
    "overrides": list[str],
    "budget": dict[str, float],
    "git": dict[str, object] | None,
    "versions": dict[str, str],
    "physics": dict[str, object],
    "metrics": dict[str, float | None],
    "curves": dict[str, list[float | None]] | None,
    "layers": dict[str, dict[str, dict[str, list]]],
    "samples": dict[str, int | None] | None,
    "answers": dict[str, dict[str, object]],
    "data": dict[str, object] | None,
    "parameters": int | None,
    "paths": dict[str, object],
    "exact": list[str],
    "formulas": dict[str, str],
    "first_losses": list[float | None],
    "warnings": list[str],
    "resumed": list[int],
    "device": str,
    "wall_s": float,
    "before_s": float,
    "fit_s": float,
    "peak_memory_mb": float,
    "gpu_peak_memory_mb": float,
    "error": dict[str, str] | None,
    "code": str,
    "confirmed": dict[str, object],
    "audit": dict[str, object],
}
"""The types of a result's entries. Older results lack some, and other entries are ignored."""
ALWAYS = ("status", "hash", "row", "seed", "scale", "started")
IF_DONE = ("group", "metrics", "curves", "layers")


def wrong_form(result: object, run: str | None = None) -> str | None:
    """Say what is wrong with a result that was read from a file; `None` if it has the form of one.

    Args:
        result: the parsed file.
        run: identity of the run that the result must belong to; `None` accepts any.

    Example:
        >>> wrong_form([1])
        'a result must be a mapping; got list'
        >>> line = {"status": "done", "hash": "ab", "row": "A", "seed": 0, "scale": "small", "started": "2026-01-01"}
        >>> wrong_form(line)
        'a done result must have group, metrics, curves, layers; got none'
        >>> done = line | {"group": "cd", "metrics": {"test/acc": "0.9"}, "curves": {}, "layers": {}}
        >>> wrong_form(done)
        "metrics must be of type dict[str, float | None]; got {'test/acc': '0.9'}"
        >>> wrong_form(done | {"metrics": {"test/acc": 0.9}}, run="cd")
        'the result must be that of run cd; got that of run ab'
    """
    if not isinstance(result, dict):
        return f"a result must be a mapping; got {type(result).__name__}"
    for key, kind in FORM.items():
        if key in result and not _check(kind)(result[key]):
            name = kind.__name__ if isinstance(kind, type) else str(kind)
            return f"{key} must be of type {name}; got {str(result[key])[:60]}"
    if missing := [key for key in ALWAYS if key not in result]:
        return f"a result must have {', '.join(missing)}; got none"
    if result["status"] not in STATUSES:
        return f"status must be one of {', '.join(STATUSES)}; got {result['status']}"
    if result["status"] == "done" and (missing := [key for key in IF_DONE if key not in result]):
        return f"a done result must have {', '.join(missing)}; got none"
    if run is not None and result["hash"] != run:
        return f"the result must be that of run {run}; got that of run {result['hash']}"
    return None


@cache
def _check(kind: object) -> Callable[[object], bool]:
    """Return a function that says whether a value is of this type; made once, because results have hundreds of values."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is object:
        return lambda value: True
    if origin in (dict, list):
        items = dict.values if origin is dict else iter
        if (classes := _classes(inner[-1])) is not None:
            return lambda value: type(value) is origin and classes.issuperset(map(type, items(value)))
        item = _check(inner[-1])
        return lambda value: type(value) is origin and all(map(item, items(value)))
    if (classes := _classes(kind)) is not None:
        return lambda value: type(value) in classes
    check = _check(inner[0])  # of `X | None`, where X is a dict or a list
    return lambda value: value is None or check(value)


def _classes(kind: object) -> set[type] | None:
    """Return the classes of values that are of this type; `None` if one class does not decide it."""
    kinds = typing.get_args(kind) or (kind,)
    if kind is object or typing.get_origin(kind) in (dict, list) or any(typing.get_origin(one) for one in kinds):
        return None
    return {*kinds, int} if float in kinds else set(kinds)  # exact classes, so that `true` does not count as a number

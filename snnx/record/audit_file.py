"""Reads and writes `audit.json`, which contains what the audit of a finished run has found."""

import json
from pathlib import Path

from snnx.record.form import wrong_form
from snnx.record.read import read as read_file
from snnx.record.result_file import to_json
from snnx.record.write import write

NAME = "audit.json"


def save(folder: Path, audit: dict) -> Path:
    """Write an audit into the run's folder."""
    return write(folder / NAME, to_json(audit))


def read(folder: Path | str, result: dict) -> dict | None:
    """Return the audit of this result; `None` if there is none, or if it belongs to an earlier result of the run."""
    try:
        audit = json.loads(read_file(f"{folder}/{NAME}", links=False))
    except (OSError, ValueError, RecursionError):
        return None
    ours = wrong_form(result | {"audit": audit}) is None
    return audit if ours and audit.get("started") == result.get("started") else None


def added(result: dict, folder: Path | str) -> dict:
    """Return the result with its audit under `audit`, if there is one."""
    audit = read(folder, result)
    return result if audit is None else result | {"audit": audit}


def failed_checks(result: dict) -> list[dict]:
    """Return the findings of the checks that failed, from a result with or without an audit.

    Example:
        >>> findings = [{"check": "batch", "outcome": "passed"}, {"check": "split", "outcome": "failed"}]
        >>> [one["check"] for one in failed_checks({"audit": {"findings": findings}})], failed_checks({})
        (['split'], [])
    """
    return [one for one in (result.get("audit") or {}).get("findings", ()) if one["outcome"] == "failed"]

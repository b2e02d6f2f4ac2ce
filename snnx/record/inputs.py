"""Reads what a run was computed from: the digests in `inputs.json` of its folder."""

import json
from collections.abc import Sequence
from pathlib import Path

from snnx.record.read import read
from snnx.record.visible import visible

NAME = "inputs.json"


def code_before(folder: Path) -> dict[str, str] | None:
    """Return the digests of the modules that computed a run; `None` if its folder has no such file, or a damaged one."""
    try:
        found = json.loads(read(folder / NAME))["code"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def changed(files: Sequence[str]) -> str:
    """Say that files have changed: name the first and count the others.

    Example:
        >>> changed(["snnx/neuron/lif.py"]), changed(["a.py", "b.py", "c.py"])
        ('snnx/neuron/lif.py changed', 'a.py changed, and 2 more')
    """
    return visible(f"{files[0]} changed") + (f", and {len(files) - 1} more" if len(files) > 1 else "")

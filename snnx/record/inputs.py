"""Reads what a run was computed from: the digests in `inputs.json` of its folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from snnx.record.read import read
from snnx.record.source import SNNX, changed_files, missing_files
from snnx.record.visible import visible

NAME = "inputs.json"


def inputs(folder: Path) -> dict | None:
    """Return the digests of what computed a run: `code` of its modules, and `data` with at least the samples' `folders`.

    Returns:
        `None` if the folder has no such file.

    Raises:
        ValueError: the file cannot be read, or has another form.
    """
    try:
        found = json.loads(read(folder / NAME, links=False))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        raise ValueError(f"{NAME} is damaged") from None
    if not (isinstance(found, dict) and all(isinstance(found.get(key), dict) for key in ("code", "data"))):
        raise ValueError(f"{NAME} is damaged")
    folders = found["data"].get("folders")
    if not isinstance(folders, list) or not all(isinstance(one, str) and "\0" not in one for one in folders):
        raise ValueError(f"{NAME} is damaged")
    return found


def changed(files: Sequence[str]) -> str:
    """Say that files have changed: name the first and count the others.

    Example:
        >>> changed(["snnx/neuron/lif.py"]), changed(["a.py", "b.py", "c.py"])
        ('snnx/neuron/lif.py changed', 'a.py changed, and 2 more files')
    """
    return visible(f"{files[0]} changed") + more_files(len(files) - 1)


def more_files(count: int) -> str:
    """Say how many files there are besides the one that is named; nothing if there is none.

    Example:
        >>> more_files(2), more_files(1), more_files(0)
        (', and 2 more files', ', and 1 more file', '')
    """
    return f", and {count} more file{'s' if count > 1 else ''}" if count else ""


def changed_code(before: dict[str, str], now: dict[str, str], packages: Mapping[str, Path] = SNNX) -> str | None:
    """Say which files of code have changed; `None` if none has.

    If a file is missing, the others that differ are usually those that it imported, so it alone is named, unless another file
    was edited.

    Args:
        before, now, packages: see `changed_files`.

    Example:
        >>> changed_code({"snnx.neuron.gone": "a", "snnx.neuron.lif": "b"}, {})
        'snnx/neuron/gone.py is missing'
        >>> changed_code({"snnx.neuron.gone": "a", "snnx.neuron.lif": "b"}, {"snnx.neuron.lif": "c"})
        'snnx/neuron/lif.py changed, and 1 more file'
    """
    files = changed_files(before, now, packages)
    if files and files[0] in missing_files(before, now, packages):
        return visible(f"{files[0]} is missing")
    return changed(files) if files else None

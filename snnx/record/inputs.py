"""Reads what a run was computed from: the digests in `inputs.json` of its folder."""

import json
from pathlib import Path

from snnx.record.read import read

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

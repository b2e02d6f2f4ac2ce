"""Finds the run whose weights are kept beside the record of its sweep."""

import hashlib
import json
from pathlib import Path

from snnx.record.read import read

NAME = "weights.safetensors"


def kept_weights(folder: Path) -> tuple[str, str] | None:
    """Return the identity of the run whose weights are in the folder of a record, and the SHA-256 of the file.

    `snnx export checkpoint=RUN to=docs/results/SWEEP/weights.safetensors` writes them, with their origin in `weights.json`.

    Args:
        folder: the folder of the sweep's record.

    Returns:
        `None` if there are none.

    Raises:
        ValueError: `weights.json` does not name a run.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        run = json.loads(read(path.with_suffix(".json")))["run"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        raise ValueError(
            f"{path.with_suffix('.json')} must name the run of {NAME}; got none: export the weights again, or remove both files"
        ) from None
    return str(run), sha256(path)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

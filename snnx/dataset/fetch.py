"""Downloads that are whole or not there."""

import contextlib
import os
import shutil
import sys
from http.client import HTTPException
from pathlib import Path


def fetch(dataset: type, root: Path, variant: str) -> str | None:
    """Download into a folder of its own, then move what is missing into place; returns what went wrong."""
    folder = root / ".snnx-prepare.partial"
    shutil.rmtree(folder, ignore_errors=True)  # a killed run may have left one, and the lock is ours
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what the downloader has to say
            dataset.fetch(str(folder), *([variant] if variant else []))
        for packed in [*folder.rglob("*.gz"), *folder.rglob("*.zip")]:
            packed.unlink()
        _move(folder, root)
    except (OSError, RuntimeError, EOFError, HTTPException) as error:
        return " ".join(str(error).split())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return None


def _move(source: Path, target: Path) -> None:
    """Move what `target` lacks, whole folders in one step."""
    for one in sorted(source.iterdir()):
        if not (target / one.name).exists():
            os.replace(one, target / one.name)
        elif one.is_dir():
            _move(one, target / one.name)

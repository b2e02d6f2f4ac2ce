"""Downloads data sets such that an interrupted download leaves nothing behind."""

import contextlib
import os
import shutil
import sys
from http.client import HTTPException
from pathlib import Path


def fetch(dataset: type, root: Path, variant: str) -> str | None:
    """Download into a temporary folder, then move the missing files into place; return an error message or `None`."""
    folder = root / ".snnx-prepare.partial"
    shutil.rmtree(folder, ignore_errors=True)  # a killed process may have left it, and we hold the lock
    try:
        with contextlib.redirect_stdout(sys.stderr):  # the downloader's messages
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
    """Move everything that `target` does not have yet; a missing folder is moved as a whole."""
    for one in sorted(source.iterdir()):
        if not (target / one.name).exists():
            os.replace(one, target / one.name)
        elif one.is_dir():
            _move(one, target / one.name)

"""Downloads data sets; an interrupted download leaves no incomplete files behind."""

import contextlib
import os
import shutil
import sys
from http.client import HTTPException
from pathlib import Path

from snnx.dataset.unpack import DAMAGED, md5, packed_file


def fetch(dataset: type, root: Path, variant: str) -> str | None:
    """Download into a temporary folder, then move the missing files into place; return an error message or `None`.

    An archive of the publisher that is on this machine already is unpacked instead of being downloaded.
    """
    folder = root / ".snnx-prepare.partial"
    if folder.is_symlink():  # a link in a received folder could lead anywhere, and archives would be deleted there
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)  # a killed process may have left it, and we hold the lock
    try:
        if wrong := _lay_out(dataset.packed(variant), root, folder):
            return wrong
        with contextlib.redirect_stdout(sys.stderr):  # the downloader's messages
            dataset.fetch(str(folder), *([variant] if variant else []))
        for packed in [*folder.rglob("*.gz"), *folder.rglob("*.zip")]:
            packed.unlink()
        _move(folder, root)
    except (OSError, RuntimeError, EOFError, HTTPException, *DAMAGED) as error:
        return f"download failed ({' '.join(str(error).split())}); put the missing files into their place by hand"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return None


def _lay_out(packed: list[tuple[str, str]], root: Path, folder: Path) -> str | None:
    """Link the archives that are below `root` to where the downloader stores its own, so that it need not download them.

    Returns:
        What is wrong with one of them, or `None`.
    """
    for place, checksum in packed:
        if (found := packed_file(root, place)) is None:
            continue
        if (got := md5(found)) != checksum:
            return f"{found} must be the publisher's file, with md5 {checksum}; got {got}: remove it or copy it again"
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).symlink_to(found)
    return None


def _move(source: Path, target: Path) -> None:
    """Move everything that `target` does not have yet; a missing folder is moved as a whole."""
    for one in sorted(source.iterdir()):
        if not (target / one.name).exists():
            os.replace(one, target / one.name)
        elif one.is_dir():
            _move(one, target / one.name)

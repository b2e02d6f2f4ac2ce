"""Returns the digest of each file of a data set, so that a file that has changed since a run can be named."""

import hashlib
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from snnx.dataset.cache import places
from snnx.dataset.content import MADE, TABLE

MOST = 1000  # with more files, such as single pictures, none has a digest, because each run would keep a long list
NEW_S = 10  # `content` stores no digest of a file that was written in the last seconds

ASKED = "select sha256 from files where path in (?, ?) and size = ? and modified = ?"


def file_digests(root: Path, where: Sequence[str]) -> dict[str, str]:
    """Return the first 16 digits of the SHA-256 of each file in the given folders, by its path below `root`.

    The digests are those that `content` has stored, so `content` must be called before. A file that is too new to be stored is
    read here. Any other file without a stored digest, such as an archive beside the samples, is no part of the data set and is
    left out.

    Args:
        root: folder of data sets.
        where: the folders with the files, as `folders` returns them.

    Returns:
        An empty dict if there are more than 1000 files, or if no digest could be stored.

    Example:
        >>> import tempfile
        >>> from snnx.dataset.content import content
        >>> root = Path(tempfile.mkdtemp())
        >>> _ = (root / "labels").write_bytes(b"01")
        >>> _ = content([root / "labels"], root)
        >>> file_digests(root, ["."])                       # of sha256(b"01")
        {'labels': '938db8c9f82c8cb5'}
    """
    files: dict[Path, os.stat_result] = {}
    for folder in where:
        files |= _files(root / folder)
        if len(files) > MOST:
            return {}
    found: dict[Path, str] = {}
    for place in places(root):
        try:
            with closing(sqlite3.connect(f"file:{place / 'content.db'}?mode=ro", uri=True)) as base:
                if base.execute(MADE).fetchall() != [(f"CREATE {TABLE}",)]:  # see `content`
                    continue
                for path, stat in files.items():
                    row = base.execute(ASKED, (str(path), os.path.relpath(path), stat.st_size, stat.st_mtime_ns)).fetchone()
                    if row is not None:
                        found[path] = str(row[0])
                    elif stat.st_mtime >= (place / "content.db").stat().st_mtime - NEW_S:
                        found.setdefault(path, _sha256(path))
        except (sqlite3.Error, OSError):
            continue
    return {_name(path, root): found[path][:16] for path in sorted(found)}


def _files(folder: Path) -> dict[Path, os.stat_result]:
    try:
        with os.scandir(folder) as entries:
            return {folder / one.name: one.stat() for one in entries if one.is_file() and not one.name.startswith(".")}
    except OSError:
        return {}


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, partial(hashlib.sha256, usedforsecurity=False)).hexdigest()

"""Checks whether the files of a data set have changed: compares a cheap stamp first, then a digest of their bytes."""

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from stat import S_ISREG

from snnx.dataset.cache import places

MOST = 1000  # for a data set with more files, runs store no digest of each file
SETTLED_S = 2  # a change of a file at least this much later gets another modification time on every file system
TABLE = "TABLE files (path text primary key, size integer, modified integer, sha256 text)"
MADE = "select sql from sqlite_master where sql is not null"


def digests(files: Iterable[Path], root: Path | None) -> dict[Path, str]:
    """Return the SHA-256 of each file, as hexadecimal digits.

    Each file is read once. After that, its digest is looked up in `.snnx_cache/content.db` as long as its size and modification
    time are unchanged.

    Args:
        files: absolute paths.
        root: folder of data sets, which may contain the cache; `None` for a data set that comes with a package.

    Raises:
        ValueError: one of them is a folder, a pipe or a device.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> path = root / "labels"
        >>> _ = path.write_bytes(b"01")
        >>> digests([path], root)[path][:16]                  # printf 01 | sha256sum
        '938db8c9f82c8cb5'
    """
    stats = {path: path.stat() for path in files}
    if strange := next((path for path, found in stats.items() if not S_ISREG(found.st_mode)), None):
        raise ValueError(
            f"{strange}: must be a file; got a folder, a pipe or a device; remove it"
        )  # reading a pipe might never end
    known = _known(root, stats)
    new = [path for path in stats if path not in known]
    with ThreadPoolExecutor() as pool:  # hashing and reading release the GIL
        found = dict(zip(new, pool.map(_sha256, new), strict=True))
    _remember(root, {path: (stats[path], digest) for path, digest in found.items()})
    return {**known, **found}


def content(found: Mapping[Path, str], root: Path | None) -> str:
    """Return a digest of the files' names below `root` and their bytes, 16 hexadecimal digits; their order does not matter.

    Without a root, as for a data set that comes with a package, files are named below the folder that they have in common.

    Args:
        found: what `digests` returned.
        root: folder of data sets.

    Example:
        >>> root, one, other = Path("/data"), {Path("/data/labels"): "93"}, {Path("/data/labels"): "4a"}
        >>> content(one, root) == content(one, root), content(one, root) == content(other, root)
        (True, False)
    """
    above = os.path.commonpath([path.parent for path in found]) if found else ""
    lines = sorted(f"{_below(path, root) or os.path.relpath(path, above)} {digest}" for path, digest in found.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def by_file(found: Mapping[Path, str], root: Path | None) -> dict[str, str]:
    """Return the first 16 digits of each file's digest by its path below `root`, so that a later change can name the file.

    A data set of more than 1000 files, for example one picture a file, gets no digests by file, since each run would store all
    of them.

    Args:
        found: what `digests` returned.
        root: folder of data sets; a file that is not below it is named by its whole path.

    Example:
        >>> by_file({Path("/data/MNIST/raw/labels"): "938db8c9f82c8cb58d3f3ef4fd250036"}, Path("/data"))
        {'MNIST/raw/labels': '938db8c9f82c8cb5'}
    """
    if len(found) > MOST:
        return {}
    return {_below(path, root) or str(path): found[path][:16] for path in sorted(found)}


def folders(files: Iterable[Path], root: Path | None) -> list[str]:
    """Return the folders of the files, relative to `root` if they are below it, so that they are the same for another copy.

    Example:
        >>> folders([Path("/data/MNIST/raw/a"), Path("/data/MNIST/raw/b"), Path("/lib/c.gz")], Path("/data"))
        ['/lib', 'MNIST/raw']
    """
    return sorted({_below(path.parent, root) or str(path.parent) for path in files})


def stamp(root: Path | None, where: Sequence[str]) -> str:
    """Return a digest of the sizes and modification times of all files in the given folders, without reading the files.

    Subfolders count by their names only; hidden ones are ignored. If the stamp is unchanged, the content is unchanged. If it
    differs, `content` must be compared.
    """
    digest = hashlib.sha256()
    for folder in where:
        try:
            with os.scandir((root or Path()) / folder) as entries:
                inside = [(entry.name, entry.stat() if entry.is_file() else None) for entry in entries]
        except OSError:
            inside = []
        for name, stat in sorted(inside, key=lambda one: one[0]):
            if stat is not None:
                digest.update(f"{folder}/{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
            elif not name.startswith("."):
                digest.update(f"{folder}/{name}/\n".encode())
    return digest.hexdigest()[:16]


def _below(path: Path, root: Path | None) -> str | None:
    return path.relative_to(root).as_posix() if root and path.is_relative_to(root) else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, partial(hashlib.sha256, usedforsecurity=False)).hexdigest()


def _known(root: Path | None, stats: dict[Path, os.stat_result]) -> dict[Path, str]:
    found: dict[Path, str] = {}
    for place in places(root):
        try:
            with closing(sqlite3.connect(f"file:{place / 'content.db'}?mode=ro", uri=True)) as base:
                if not _is_ours(base):
                    continue
                for path, size, modified, digest in base.execute("select path, size, modified, sha256 from files"):
                    stat = stats.get(Path(path))
                    if stat is not None and (stat.st_size, stat.st_mtime_ns) == (size, modified):
                        found[Path(path)] = digest
        except sqlite3.Error:  # there is no database, or it has another format: the files are read
            continue
    return found


def _is_ours(base: sqlite3.Connection) -> bool:
    """Whether a database contains our table only: a view, a trigger or a computed column could compute for ever."""
    return base.execute(MADE).fetchall() == [(f"CREATE {TABLE}",)]


def _remember(root: Path | None, new: dict[Path, tuple[os.stat_result, str]]) -> None:
    """Store the digests in the first folder that can be written; if none can, the files are read again next time.

    A data set from somebody else may contain such a folder. So nothing is written through a link, and a database with a
    journal (left by a killed process) is not opened: SQLite would delete any file that the journal names.
    """
    for place in places(root) if new else ():
        if (place / "content.db").is_symlink() or os.path.lexists(place / "content.db-journal"):
            continue
        try:
            place.mkdir(parents=True, exist_ok=True)
            (place / "content.db").touch()
            # A file that has just changed may change again without a new modification time. Modification times are compared
            # with that of a file that is written now, not with the time of day, which may be that of another machine.
            settled = (place / "content.db").stat().st_mtime - SETTLED_S
            rows = [(str(p), stat.st_size, stat.st_mtime_ns, sha) for p, (stat, sha) in new.items() if stat.st_mtime < settled]
            with closing(sqlite3.connect(place / "content.db", timeout=60)) as base, base:
                if not base.execute(MADE).fetchall():
                    base.execute(f"create {TABLE.replace('files', 'if not exists files', 1)}")
                if not _is_ours(base):
                    continue
                base.executemany("insert or replace into files values (?, ?, ?, ?)", rows)
        except (OSError, sqlite3.Error):
            continue
        return

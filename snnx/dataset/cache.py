"""Keeps files that were computed from a data set, in a folder whose name is a hash of everything they depend on."""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FOLDER = ".snnx_cache"
WITHOUT_LOCKS = {errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""The error numbers by which a file system says that it has no locks.

`snnx/record/lock.py` has the same list, but components may not import it.
"""


def cached(root: Path, name: str, key: dict, make: Callable[[Path], None]) -> Path:
    """Return the folder `NAME-HASH` for this `key`, and let `make` fill it first if it does not exist.

    The folder is in `root/.snnx_cache`. If that cannot be written, it is in `~/.cache/snnx` and a message says so. The
    environment variable SNNX_CACHE sets another place. A lock ensures that one process fills the folder while others wait. The
    folder gets its final name only when it is complete. A killed process leaves a folder with another name, which is removed
    the next time that any folder is filled.

    Args:
        root: folder of data sets.
        name: name of the data set.
        key: everything that the content depends on; it must be convertible to JSON.
        make: fills the empty folder that it is given.

    Raises:
        OSError: no folder can be written, or the disk is full.

    Example:
        >>> import tempfile
        >>> made = lambda folder: (folder / "x").write_text("1")
        >>> first = cached(Path(tempfile.mkdtemp()), "digits", {"size": 8}, made)
        >>> first.name, sorted(path.name for path in first.iterdir())
        ('digits-...', ['key.json', 'x'])
    """
    text = json.dumps(key, sort_keys=True, indent=1)
    entry = f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    folders = places(root)
    for folder in folders:
        if (folder / entry).is_dir():
            return folder / entry
    done = _writable(folders) / entry
    with _locked(done.with_name(f"{entry}.lock"), wait=True):
        _remove_remains(done.parent)
        if not done.is_dir():
            partial = done.with_name(f"{entry}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            try:
                (partial / "key.json").write_text(text)
                make(partial)
                os.replace(partial, done)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return done


def places(root: Path | None) -> list[Path]:
    """Return the possible cache folders of the data set below `root`, the preferred one first.

    A cache folder in `root` that is a link is none, since a link in a received data set could lead anywhere.
    """
    if chosen := os.environ.get("SNNX_CACHE"):
        return [Path(chosen).expanduser().absolute()]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "snnx"
    return [root / FOLDER, home] if root and not (root / FOLDER).is_symlink() else [home]


def _writable(folders: list[Path]) -> Path:
    """Return the first folder in which a file can be created; this is tried, since permission flags are not reliable."""
    reasons = []
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            reasons.append(error)
            continue
        if reasons:
            print(f"snnx: frames are stored in {folder}, since {folders[0]} cannot be written", file=sys.stderr, flush=True)
        return folder
    raise OSError(
        reasons[0].errno, f"{folders[0]} must be writable, since frames are stored there; got {reasons[0]}; or set SNNX_CACHE"
    )


def _remove_remains(folder: Path) -> None:
    """Remove unfinished folders of killed processes; a process that is still alive holds its lock."""
    for partial in folder.glob("*.partial"):
        with suppress(OSError), _locked(partial.with_suffix(".lock"), wait=False) as ours:
            if ours:
                shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold a lock and yield True; without `wait`, yield False if another process holds it.

    The lock must not be a link, because a received data set could contain one. The content of the lock file is not changed.

    On a file system without locks it yields `wait`: filling goes ahead (two processes may do it at once), and removing is
    skipped.
    """
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666), "r+b", buffering=0) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                yield False
                return
            print(f"snnx: waiting for another process, which is writing {path.with_suffix('')}", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in WITHOUT_LOCKS:
                raise
            yield wait
            return
        yield True

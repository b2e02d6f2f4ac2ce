"""What was computed once from a data set, kept under a name that says of what."""

import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = ".snnx_cache"


def cached(root: Path, name: str, key: dict, make: Callable[[Path], None]) -> Path:
    """The folder `NAME-HASH` that `make` filled, now or before, for exactly this `key`.

    It lies in `root/.snnx_cache`; where that cannot be written, in `~/.cache/snnx`, which is said; or where the environment
    variable SNNX_CACHE says. A lock lets one process fill it while others wait. It gets its name when it is complete; what a
    killed process leaves has another name, and is removed by the next one that fills any.

    Args:
        root: folder of data sets.
        name: of the data set.
        key: everything that the content depends on, as JSON.
        make: fills the empty folder that it is given.

    Raises:
        OSError: no folder can be written, or it is full.

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


def places(root: Path) -> list[Path]:
    """Where what was computed may lie, best first."""
    if chosen := os.environ.get("SNNX_CACHE"):
        return [Path(chosen).expanduser().absolute()]
    return [root / FOLDER, Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "snnx"]


def _writable(folders: list[Path]) -> Path:
    """The first that a lock can be made in; what a file system says before, of all, is not what it does."""
    reasons = []
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            reasons.append(error)
            continue
        if reasons:
            print(f"snnx: frames are kept in {folder}, since {folders[0]} cannot be written", file=sys.stderr, flush=True)
        return folder
    raise OSError(
        reasons[0].errno, f"{folders[0]} must be writable, since frames are kept there; got {reasons[0]}; or set SNNX_CACHE"
    )


def _remove_remains(folder: Path) -> None:
    """Remove what killed processes have left half-made: a living one holds its lock."""
    for partial in folder.glob("*.partial"):
        with _locked(partial.with_suffix(".lock"), wait=False) as ours:
            if ours:
                shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold a lock, or learn that another process does."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                yield False
                return
            print(f"snnx: waiting for another process, which makes {path.with_suffix('')}", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield True

"""What was computed once from a data set, kept beside it under a name that says of what."""

import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

FOLDER = ".snnx_cache"


def cached(root: Path, name: str, key: dict, make: Callable[[Path], None]) -> Path:
    """The folder `root/.snnx_cache/NAME-HASH` that `make` filled, now or before, for exactly this `key`.

    A lock lets one process fill it while others wait. It gets its name when it is complete; what a killed process leaves
    has another name, and is removed by the next one.

    Args:
        root: folder of data sets.
        name: of the data set.
        key: everything that the content depends on, as JSON.
        make: fills the empty folder that it is given.

    Raises:
        OSError: the folder cannot be written.

    Example:
        >>> import tempfile
        >>> made = lambda folder: (folder / "x").write_text("1")
        >>> first = cached(Path(tempfile.mkdtemp()), "digits", {"size": 8}, made)
        >>> first.name, sorted(path.name for path in first.iterdir())
        ('digits-...', ['key.json', 'x'])
    """
    text = json.dumps(key, sort_keys=True, indent=1)
    done = root / FOLDER / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if done.is_dir():
        return done
    try:
        done.parent.mkdir(parents=True, exist_ok=True)
        with (done.parent / f"{done.name}.lock").open("w") as lock:
            _wait(lock, done)
            if not done.is_dir():
                partial = done.with_name(f"{done.name}.partial")
                shutil.rmtree(partial, ignore_errors=True)  # a killed process may have left one, and the lock is ours
                partial.mkdir()
                (partial / "key.json").write_text(text)
                make(partial)
                os.replace(partial, done)
    except PermissionError as error:
        raise PermissionError(
            error.errno, f"{done.parent} must be writable, since frames are kept there; got {error}"
        ) from None
    return done


def _wait(lock: object, done: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"snnx: waiting for another process, which makes {done}", file=sys.stderr, flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)

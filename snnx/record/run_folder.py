"""A run's folder: locked by the process that does the work, and linked to by a readable name."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOOKS = 4


class Busy(RuntimeError):
    """Another process holds the run."""


@contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Hold the run of this folder for as long as the context lasts.

    The lock is the kernel's: it ends with the process, however that ends, so none goes stale.

    Raises:
        Busy: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "a", encoding="utf-8") as lock:
        for look in range(LOOKS):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:  # perhaps only by somebody who asks whether it is held
                if look == LOOKS - 1:
                    raise Busy(f"{folder} is being computed by another process") from None
                time.sleep(0.05)
        yield


def tidy(folder: Path) -> None:
    """Remove what a killed process left half written; only whoever holds the run may."""
    for path in (*folder.glob(".*"), *folder.glob("ckpt/.*")):
        if path.name != ".lock" and path.is_file():
            path.unlink(missing_ok=True)


def link(name: Path, folder: Path) -> None:
    """Make `name` a relative symbolic link to the run's folder.

    Raises:
        FileExistsError: something that is no link stands there.
    """
    name.parent.mkdir(parents=True, exist_ok=True)
    target = os.path.relpath(folder, name.parent)
    if name.is_symlink() and os.readlink(name) == target:
        return
    if name.exists() and not name.is_symlink():
        raise FileExistsError(f"{name} must be a link to a run; got a file or folder: move it away")
    temporary = name.with_name(f".{os.getpid()}.link")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    os.replace(temporary, name)

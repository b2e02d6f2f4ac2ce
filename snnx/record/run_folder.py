"""A run's folder: the process that executes the run locks it, and a readable name links to it."""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CKPT = "ckpt"  # the folder of a run's checkpoints
CHECKPOINTS = (".ckpt", ".corrupt", ".outdated")
TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}")  # names of the files that `write` renames when they are complete
TRIES = 4  # attempts to get a run's lock, 0.05 s apart


class Busy(RuntimeError):
    """Another process holds the lock of the run."""


@contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Lock the run of this folder for as long as the context lasts.

    The lock belongs to the kernel, which releases it when the process ends, even if it is killed. So no stale lock remains.

    Raises:
        Busy: another process holds it.
        ValueError: see `reject_links`.
    """
    reject_links(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "a", encoding="utf-8") as lock:
        for attempt in range(TRIES):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:  # another process may hold it for a moment only, to test whether the run is locked
                if attempt == TRIES - 1:
                    raise Busy(f"{folder} is being computed by another process") from None
                time.sleep(0.05)
        yield


def reject_links(folder: Path) -> None:
    """Reject a run's folder that is a link, or whose `ckpt` is one, because snnx replaces and removes files in both.

    Raises:
        ValueError: one of them is a link.
    """
    for path in (folder, folder / CKPT):
        if path.is_symlink():
            raise ValueError(f"{path} must be a folder, because files in it are replaced; got a link to {os.readlink(path)}")


def tidy(folder: Path) -> None:
    """Remove temporary files that a killed process left behind; the caller must hold the run's lock."""
    for path in (*folder.glob(".*"), *folder.glob(f"{CKPT}/.*")):
        if TEMPORARY.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)


def remove_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a run and its result; files that snnx did not write stay."""
    for path in folder.glob(f"{CKPT}/*"):
        if path.suffix in CHECKPOINTS:
            path.unlink(missing_ok=True)
    (folder / "result.json").unlink(missing_ok=True)


def link(name: Path, folder: Path) -> None:
    """Make `name` a relative symbolic link to the run's folder.

    Raises:
        FileExistsError: a file or folder with this name exists that is not a link.
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

"""A run's folder: the process that executes the run locks it, and a readable name links to it."""

import filecmp
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from snnx.record.lock import acquire_soon, this_process
from snnx.record.read import read
from snnx.record.visible import visible

CKPT = "ckpt"  # the folder of a run's checkpoints
LOCK = ".lock"
CHECKPOINT = re.compile(r"(epoch=\d+|last|best)\.(ckpt|corrupt|outdated)")  # names of a run's checkpoints
TEMPORARY = re.compile(r"\.(\w+\.(json|yaml|csv|log)|(epoch=\d+|best)\.ckpt)\.[a-z0-9_]{8}")
"""Names of the files that `write` renames when they are complete."""


class Busy(RuntimeError):
    """Raised when another process holds the lock of the run."""


class LockLost(RuntimeError):
    """Raised when somebody has removed the lock of the run while this process held it."""


class Hold:
    """The lock on a run's folder that this process holds.

    Args:
        folder: the run's folder, whose lock file names this process.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written = _read(folder)

    def held(self) -> bool:
        """Whether the lock file is still the one that this process has locked, since only that one keeps others out."""
        return self._written is not None and _read(self.folder) == self._written

    def require(self) -> None:
        """Raise an error if the lock file was removed; another process could then have started the same run.

        Raises:
            LockLost: it was removed.
        """
        if not self.held():
            gone = self.folder / LOCK if self.folder.exists() else self.folder
            raise LockLost(f"{gone} must not be removed while its run is active; it was removed")


@contextmanager
def hold(folder: Path) -> Iterator[Hold]:
    """Lock the run of this folder for as long as the context lasts; the lock file names this process and its machine.

    The lock belongs to the kernel, which releases it when the process ends, even if it is killed. So no stale lock remains.

    Raises:
        Busy: another process holds it.
        ValueError: see `reject_links`.
    """
    reject_links(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644), "r+b", buffering=0) as lock:
        if not acquire_soon(lock):
            raise Busy(f"{folder} is being computed by {holder(folder)}")
        with suppress(OSError):  # on a full disk the lock stays unnamed; the next failing write reports the disk
            lock.truncate(0)
            lock.write(this_process().encode())
        yield Hold(folder)


def holder(folder: Path) -> str:
    """Return the process that holds the lock of a run, such as `process 4711 on node3`; only for a run that is locked."""
    return visible(_read(folder) or "another process")


def _read(folder: Path) -> str | None:
    try:
        return read(folder / LOCK, links=False).decode(errors="replace")
    except OSError:
        return None


def reject_links(folder: Path) -> None:
    """Reject a run's folder that is a link, or that contains one, because snnx writes and removes files there.

    The links that snnx itself makes are in `ckpt`, to a checkpoint beside it, such as `last.ckpt`.

    Raises:
        ValueError: it is a link, or contains another one.
    """
    for path in (folder, folder / CKPT):
        if path.is_symlink():
            raise ValueError(f"{path} must be a folder, because files in it are replaced; got a link to {os.readlink(path)}")
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        if link := next((Path(entry.path) for entry in entries if entry.is_symlink()), None):
            raise ValueError(f"{link} must be no link, because snnx writes to it; got a link to {os.readlink(link)}: remove it")
    if not (folder / CKPT).is_dir():
        return
    with os.scandir(folder / CKPT) as entries:
        for path in (Path(entry.path) for entry in entries if entry.is_symlink()):
            target = os.readlink(path)
            if os.path.basename(target) != target or (path.parent / target).is_symlink():
                raise ValueError(f"{path} must be a link to a checkpoint beside it; got one to {target}: remove it")


def tidy(folder: Path) -> None:
    """Remove temporary files that a killed process left behind; the caller must hold the run's lock."""
    for path in (*folder.glob(".*"), *folder.glob(f"{CKPT}/.*")):
        if TEMPORARY.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)


def remove_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a run and its result; files that snnx did not write stay."""
    for path in folder.glob(f"{CKPT}/*"):
        if CHECKPOINT.fullmatch(path.name):
            path.unlink(missing_ok=True)
    (folder / "result.json").unlink(missing_ok=True)


def link(name: Path, folder: Path) -> None:
    """Make `name` a relative symbolic link to the run's folder.

    If `name` is a copy of the folder, because all of it was copied without links, the link replaces the copy.

    Raises:
        FileExistsError: `name` is another file or folder.
    """
    name.parent.mkdir(parents=True, exist_ok=True)
    target = os.path.relpath(folder, name.parent)
    if not _same(name.parent / target, folder):  # then a folder above `name` or above the run is a link
        target = os.path.relpath(folder.resolve(), name.parent.resolve())
    if name.is_symlink() and os.readlink(name) == target:
        return
    if name.exists() and not name.is_symlink():
        if not _is_copy(name, folder):
            raise FileExistsError(
                f"{name} must be a link to a run; got a file or folder that differs from {folder}: move it away"
            )
        shutil.rmtree(name)
    temporary = name.with_name(f".{os.getpid()}.link")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    os.replace(temporary, name)


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _is_copy(copy: Path, folder: Path) -> bool:
    """Whether all files in `copy` are also in the run's folder, with the same content, apart from the lock."""
    if not (copy / "config.yaml").is_file():
        return False
    names = [path.relative_to(copy) for path in copy.rglob("*") if not path.is_dir() and path.name != LOCK]
    return all((folder / one).is_file() and filecmp.cmp(copy / one, folder / one, shallow=False) for one in names)

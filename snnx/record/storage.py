"""Checks that results can be written to a folder, and names the guarantees that its file system lacks."""

import errno
import os
import tempfile
from pathlib import Path

from snnx.record.lock import supported
from snnx.record.write import sync, write

ROOM = {errno.ENOSPC, errno.EDQUOT}
ELSEWHERE = {errno.EROFS, errno.EACCES, errno.EPERM}


def obstacle(folder: Path) -> str | None:
    """Say in one line why no file can be written to a folder, which is made if it does not exist; `None` if one can.

    Example:
        >>> obstacle(Path(tempfile.mkdtemp()) / "outputs")
        >>> obstacle(Path("/proc/outputs"))
        '/proc/outputs must be writable; got ...'
    """
    folder = Path(os.path.abspath(folder))
    if folder.is_symlink() and not folder.exists():
        return f"{folder} must be a folder or a link to one; got a link to {os.readlink(folder)}, which does not exist"
    if folder.exists() and not folder.is_dir():
        return f"{folder} must be a folder, because results are written there; got a file: move it away"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".probe.") as own:  # other commands may ask at the same time
            write(Path(own) / "file", bytes(4096))
    except OSError as error:
        return explained(error, folder)
    return None


def check_storage(folder: Path) -> list[str]:
    """Check that runs can be written below a folder, and return one line for each guarantee that its file system lacks.

    Raises:
        ValueError: no file can be written there.
    """
    if found := obstacle(folder):
        raise ValueError(found)
    return shortcomings(Path(os.path.abspath(folder)))


def explained(error: OSError, folder: Path) -> str:
    """Say in one line why a folder cannot be written, and what to do about it.

    Example:
        >>> explained(OSError(errno.EROFS, "Read-only file system"), Path("/data/outputs"))
        '/data/outputs must be writable; got Read-only file system: go to a folder of your own'
    """
    advice = ""
    if error.errno in ROOM:
        advice = ": make room there" if _inodes(folder) else ": no inodes are left, so remove some files there"
    if error.errno in ELSEWHERE:
        advice = ": go to a folder of your own"
    return f"{folder} must be writable; got {error.strerror or error}{advice}"


def shortcomings(folder: Path) -> list[str]:
    """Return one line for each guarantee that the file system of a writable folder lacks, such as locks.

    Example:
        >>> shortcomings(Path(tempfile.mkdtemp()))
        []
    """
    found = []
    with tempfile.TemporaryDirectory(dir=folder, prefix=".probe.") as place:
        if not supported(Path(place)):
            found.append(
                f"{folder} is on a file system without locks (flock), so two commands at once may compute the same run: "
                "start only one, and snnx status cannot show which runs are active"
            )
        if not sync(Path(place)):
            found.append(
                f"{folder} is on a file system that cannot sync folders, so the last results may be missing after a power cut; "
                "the same command computes them again"
            )
    return found


def _inodes(folder: Path) -> bool:
    """Whether the file system of a folder, or of the first folder above it that exists, has room for another file."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    found = os.statvfs(there)
    return found.f_files == 0 or found.f_favail > 0  # some file systems report 0 inodes in all

"""Locks files. The kernel releases a lock when the process that holds it ends, even if it is killed."""

import errno
import fcntl
import os
import socket
import time
from pathlib import Path
from typing import IO

WITHOUT_LOCKS = {errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""The errors by which a file system says that it has no locks."""
TRIES = 4  # attempts to get a lock, 0.05 s apart


def acquire(file: IO, *, shared: bool = False, wait: bool = False) -> bool:
    """Lock a file until it is closed; return False if another process holds its lock.

    On a file system without locks nothing is locked and the answer is True; see `storage.shortcomings`.

    Args:
        file: the open file.
        shared: whether other processes may hold a shared lock at the same time.
        wait: whether to wait until the lock is free.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / ".lock"
        >>> with path.open("a") as first, path.open("a") as second:
        ...     acquire(first), acquire(second)
        (True, False)
    """
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
    return True


def acquire_soon(file: IO) -> bool:
    """Lock a file like `acquire`, but try again for a moment, because another process may hold it briefly to test it."""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(0.05)
        if acquire(file):
            return True
    return False


def this_process() -> str:
    """Return the name of this process for its lock files.

    Example:
        >>> this_process()
        'process ... on ...'
    """
    return f"process {os.getpid()} on {socket.gethostname()}"


def supported(folder: Path) -> bool:
    """Whether the file system of a folder has locks; this is tried with a file of its own."""
    path = folder / ".lock"
    try:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666), "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
        return False
    finally:
        path.unlink(missing_ok=True)
    return True

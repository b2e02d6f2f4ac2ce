"""Reads a file that somebody else may have left in a run's folder."""

import errno
import os
import stat
from pathlib import Path


def read(path: Path | str) -> bytes:
    """Return the content of a file. Pipes and devices are refused, because reading them might never end.

    Raises:
        OSError: it does not exist, cannot be read, or is no file.

    Example:
        >>> read(Path("/dev/zero"))
        Traceback (most recent call last):
        OSError: [Errno 22] Is a pipe or a device: '/dev/zero'
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # without the flag, opening a pipe would wait for its writer
    try:
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "Is a pipe or a device", str(path))  # worded as the system's "Is a directory"
        parts = []
        while part := os.read(
            handle, found.st_size + 1
        ):  # for thousands of small files, a file object takes as long as reading
            parts.append(part)
    finally:
        os.close(handle)
    return b"".join(parts)

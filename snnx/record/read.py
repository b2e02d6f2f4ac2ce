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
    kind = os.fstat(handle).st_mode
    if not stat.S_ISREG(kind):
        os.close(handle)
        code, text = errno.EINVAL, "Is a pipe or a device"  # worded as the system's "Is a directory"
        if stat.S_ISDIR(kind):
            code, text = errno.EISDIR, os.strerror(errno.EISDIR)
        raise OSError(code, text, str(path))
    with os.fdopen(handle, "rb", buffering=0) as file:
        return file.readall()

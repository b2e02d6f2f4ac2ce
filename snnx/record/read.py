"""Reads a file that somebody else may have left in a run's folder."""

import errno
import os
import stat
from pathlib import Path

MOST = 1 << 30
"""Largest number of bytes of a file that is read, unless the caller expects less."""


def read(path: Path | str, *, links: bool = True, most: int = MOST) -> bytes:
    """Return the content of a file. Pipes and devices are refused, because reading them might never end.

    Args:
        path: the file.
        links: whether the file, and its folder, may be links. In a run's folder they may not, since a received one could
            otherwise show any file of this machine.
        most: largest number of bytes; a file of a few bytes on disk can have any size.

    Raises:
        OSError: it does not exist, cannot be read, is no file, or is larger.

    Example:
        >>> read(Path("/dev/zero"))
        Traceback (most recent call last):
        OSError: [Errno 22] Is a pipe or a device: '/dev/zero'
    """
    flags = os.O_RDONLY | os.O_NONBLOCK  # without the second flag, opening a pipe would wait for its writer
    try:
        handle = os.open(path, flags if links else flags | os.O_NOFOLLOW)
    except OSError as error:
        if links or error.errno != errno.ELOOP:
            raise
        raise OSError(errno.ELOOP, "Is a link", str(path)) from None
    try:
        if not links and os.path.islink(os.path.dirname(path)):
            raise OSError(errno.ELOOP, "Is in a folder that is a link", str(path))
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "Is a pipe or a device", str(path))  # worded as the system's "Is a directory"
        if found.st_size > most:
            raise OSError(errno.EFBIG, f"Is larger than {most:,} bytes", str(path))
        parts = []
        while part := os.read(handle, found.st_size + 1):  # a file object would take as long as reading, for small files
            parts.append(part)
    finally:
        os.close(handle)
    return b"".join(parts)

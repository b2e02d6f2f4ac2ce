"""Writes a file completely or not at all."""

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path

WITHOUT_SYNC = {errno.EBADF, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""The errors by which a file system says that it cannot sync folders."""


def write(path: Path, content: str | bytes | memoryview) -> Path:
    """Write `content` to `path` and sync it to disk; neither a reader nor a crash ever finds half of the file.

    The content is written to a temporary file in the same folder, so that the rename to `path` is one step of the file system.

    Example:
        >>> folder = Path(tempfile.mkdtemp())
        >>> write(folder / "new" / "note.txt", "here").read_text(), [p.name for p in (folder / "new").iterdir()]
        ('here', ['note.txt'])
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(PermissionError):  # some file systems have no permissions
            os.chmod(name, 0o644)  # mkstemp sets 0600, which no other user could read
        os.replace(name, path)
        sync(path.parent)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise type(error)(error.errno, error.strerror, str(path)) from error  # the error of a full disk does not name the file
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def sync(folder: Path) -> bool:
    """Sync the names in a folder to disk; return False if its file system cannot do that, see `storage.shortcomings`."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in WITHOUT_SYNC:
            raise
        return False
    finally:
        os.close(handle)
    return True

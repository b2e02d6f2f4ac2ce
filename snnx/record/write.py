"""Writes a file completely or not at all."""

import os
import tempfile
from pathlib import Path


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
        os.chmod(name, 0o644)  # mkstemp sets 0600, which no other user could read
        os.replace(name, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # syncs the rename too
        finally:
            os.close(folder)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise type(error)(error.errno, error.strerror, str(path)) from error  # the error of a full disk does not name the file
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path

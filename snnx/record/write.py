"""Write a file whole or not at all."""

import os
import tempfile
from pathlib import Path


def write(path: Path, content: str | bytes | memoryview) -> Path:
    """Put `content` at `path`, on the disk before this returns; no reader and no crash ever sees half of it.

    It lies in the same folder from the first byte on, so that taking the name is one step of the file system.

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
        os.chmod(name, 0o644)  # mkstemp's 0600 would hide the file from colleagues
        os.replace(name, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name, too, is on the disk
        finally:
            os.close(folder)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise type(error)(error.errno, error.strerror, str(path)) from error  # a full disk does not say whose it is
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path

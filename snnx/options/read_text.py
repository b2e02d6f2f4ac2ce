"""Reads the text of a file of options, which may come from somebody else."""

from pathlib import Path

from snnx.record.read import read


def read_text(path: Path) -> str:
    """Return the text of a file. Pipes and devices are refused, because reading them might never end.

    Raises:
        ValueError: it cannot be read, is no file, or is not in UTF-8.

    Example:
        >>> read_text(Path("/dev/zero"))
        Traceback (most recent call last):
        ValueError: /dev/zero must be a regular file that can be read; got: Is a pipe or a device
    """
    try:
        return read(path).decode().replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise ValueError(f"{path} must be a regular file that can be read; got: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be text in UTF-8; byte {error.start} is not: {error.reason}") from None

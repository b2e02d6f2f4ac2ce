"""Unpacks the archives in which data sets are published, and finds those that are on this machine already."""

import hashlib
import tarfile
import zipfile
from pathlib import Path

DAMAGED = (tarfile.TarError, zipfile.BadZipFile)
"""The errors that `unpack` raises, besides `OSError`, if an archive is damaged."""


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar or zip archive into a folder; reject an archive with a file that would be written outside of the folder.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with zipfile.ZipFile(folder / "a.zip", "w") as packed:
        ...     packed.writestr("digits/1.bin", b"1")
        >>> unpack(folder / "a.zip", folder)
        >>> (folder / "digits" / "1.bin").read_bytes()
        b'1'
    """
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
    else:
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")  # without a filter, Python 3.12 and 3.13 warn


def packed_file(root: Path, place: str) -> Path | None:
    """Return the archive that is at `place` below `root`, or directly in `root`; capital letters in its name do not matter.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / "Train.zip").touch()
        >>> packed_file(root, "NMNIST/train.zip").name, packed_file(root, "NMNIST/test.zip")
        ('Train.zip', None)
    """
    wanted = root / place
    for folder in (wanted.parent, root):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.name.lower() == wanted.name.lower() and path.is_file():
                return path
    return None


def md5(path: Path) -> str:
    """Return the checksum of a file, as publishers of data sets state it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()

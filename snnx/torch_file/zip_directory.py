"""Finds the directory of a zip archive, which lists its entries, where every reader finds the same."""

import struct
import zipfile
from pathlib import Path

END = struct.Struct("<4s 2H 2H 2I H")  # mark, disks, entries (twice), size and place of the directory, comment
LOCATOR = struct.Struct("<4s I Q I")  # mark, disk, place of LARGE_END, disks
LARGE_END = struct.Struct("<4s Q 2H 2I 2Q 2Q")  # mark, own size, versions, disks, then as in END


def entries_of(path: Path) -> list[zipfile.ZipInfo]:
    """Return the entries of an archive, as Python reads them.

    If the directory is not where the end of the file says, Python and torch look for it in different places, so that an archive
    could show one list of entries to the check and another to torch.

    Raises:
        zipfile.BadZipFile: the file is no archive, or its directory does not fill the room between its place and the end, or
            has another number of entries than the end says.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.zip"
        >>> with zipfile.ZipFile(path, "w") as archive:
        ...     archive.writestr("note.txt", "here")
        >>> [entry.filename for entry in entries_of(path)]
        ['note.txt']
        >>> _ = path.write_bytes(path.read_bytes() + b"more")
        >>> entries_of(path)
        Traceback (most recent call last):
        zipfile.BadZipFile: ... must end with the directory of a zip archive; got other bytes behind it
    """
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    size = path.stat().st_size
    with path.open("rb") as file:

        def at(place: int, form: struct.Struct) -> tuple:
            file.seek(max(place, 0))
            return form.unpack(file.read(form.size).ljust(form.size))

        end = size - END.size
        mark, *_, count, length, start, comment = at(end, END)
        if mark != b"PK\x05\x06" or comment:
            raise zipfile.BadZipFile(f"{path} must end with the directory of a zip archive; got other bytes behind it")
        if at(end - LOCATOR.size, LOCATOR)[0] == b"PK\x06\x07":  # torch writes this form
            end -= LOCATOR.size + LARGE_END.size
            mark, *_, count, length, start = at(end, LARGE_END)
            if mark != b"PK\x06\x06" or at(size - END.size - LOCATOR.size, LOCATOR)[2] != end:
                raise zipfile.BadZipFile(f"{path} must have the end of its directory at byte {end:,}; got another place")
    if start + length != end or len(entries) != count:
        raise zipfile.BadZipFile(f"{path} must have one directory, of {count:,} entries, up to byte {end:,}; got another")
    return entries

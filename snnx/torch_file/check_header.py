"""Checks the header of a `.safetensors` file before it is parsed."""

from pathlib import Path

from snnx.torch_file.load_file import GrowingFile

LARGEST_HEADER = 10_000_000
"""Bytes; a network of 10,000 tensors takes about one million. The package safetensors itself accepts a hundred million."""
LENGTH = 8  # bytes at the beginning of the file, which say how long the header is


def check_header(path: Path) -> None:
    """Check that the header of a `.safetensors` file is not too long; its tensors need no more bytes than the file has.

    Raises:
        GrowingFile: it is longer than `LARGEST_HEADER`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "weights.safetensors"
        >>> _ = path.write_bytes((10**7 + 1).to_bytes(8, "little") + bytes(10**7 + 1))
        >>> check_header(path)
        Traceback (most recent call last):
        snnx.torch_file.load_file.GrowingFile: ... must have a header of at most 10,000,000 bytes; got 10,000,001
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH), "little")
    if LARGEST_HEADER < length <= path.stat().st_size:  # a file that is shorter than its header is damaged
        raise GrowingFile(f"{path} must have a header of at most {LARGEST_HEADER:,} bytes; got {length:,}")

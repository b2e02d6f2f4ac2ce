"""Reads a file that `torch.save` has written, after checking that it cannot grow while it is read."""

import io
from pathlib import Path

import torch

from snnx.torch_file.pickle_size import size_of
from snnx.torch_file.zip_directory import entries_of

LARGEST_TUPLE = 10_000  # values of a tuple, with those of the tuples in it, since a tuple may be a key, which is hashed
LARGEST = 10_000_000  # values and characters of the whole file, tensors apart
PICKLES = 5  # of a file from before torch 1.6: a mark, a version, facts of the machine, the content, the names of the storages


class GrowingFile(ValueError):
    """Reading a file would take far more time or memory than its size suggests."""


def load_file(path: Path) -> object:
    """Read the tensors and plain values of a file to the CPU; no code of the file is called.

    Args:
        path: the file, as `torch.save` writes it, today or before torch 1.6.

    Raises:
        GrowingFile: it is compressed, its entries share bytes, or its values refer to one another so often that going through
            them would never end.
        Exception: it is damaged or another kind of file; torch raises almost any error for these.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "weights.pt"
        >>> torch.save({"bias": torch.ones(2)}, path)
        >>> load_file(path)
        {'bias': tensor([1., 1.])}
    """
    with path.open("rb") as file:
        is_archive = file.read(4) == b"PK\x03\x04"  # as torch decides it
        file.seek(0)
        if is_archive:
            check_archive(path)
            pickles = [io.BytesIO(torch._C.PyTorchFileReader(str(path)).get_record("data.pkl"))]  # torch reads this one
        else:
            pickles = [file] * PICKLES
        for pickled in pickles:
            size = size_of(pickled)
            if size.tuples > LARGEST_TUPLE:
                raise GrowingFile(f"{path} must contain tuples of at most {LARGEST_TUPLE:,} values; got a larger one")
            if size.all > LARGEST:
                raise GrowingFile(
                    f"{path} must contain at most {LARGEST:,} values and characters, tensors apart; got more: its values refer "
                    "to one another"
                )
    return torch.load(path, map_location="cpu", weights_only=True)


def check_archive(path: Path) -> None:
    """Check that an archive cannot unpack to more bytes than it has.

    Raises:
        GrowingFile: it can.
        zipfile.BadZipFile: it is no archive, see `entries_of`.
    """
    entries = entries_of(path)
    if any(entry.file_size > entry.compress_size for entry in entries):
        raise GrowingFile(f"{path} must not be compressed, as torch writes it; got a compressed file")
    if (size := sum(entry.file_size for entry in entries)) > path.stat().st_size:
        raise GrowingFile(f"{path} must contain each byte once; got entries of {size:,} bytes together")

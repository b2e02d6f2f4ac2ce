"""Checks whether the files of a data set below a root are the published ones."""

import hashlib
from pathlib import Path

USABLE = {"ok", "partial", "found"}


def examine(dataset: type, root: Path, variant: str = "") -> list[tuple[str, str]]:
    """Return a pair of a state and a line for each published file of `dataset` below `root`.

    States: `ok`, the same as the published file; `partial`, readable but with fewer samples; `altered`, with the same number of
    samples but other bytes; `damaged`, unreadable; `missing`.
    """
    if hasattr(dataset, "examine"):
        return dataset.examine(root, variant)
    return [_examine(dataset, root / file.path, file) for file in dataset.files]


def _examine(dataset: type, path: Path, file: object) -> tuple[str, str]:
    if not path.is_file():
        return "missing", f"{path}: publisher's file: {file.url}"
    with path.open("rb") as stream:
        if hashlib.file_digest(stream, "md5").hexdigest() == file.md5:
            return "ok", str(path)
    try:
        samples = dataset.samples_in(path)
    except ValueError as error:
        return "damaged", str(error)
    if samples < file.samples:
        return "partial", f"{path}: {samples} of {file.samples} samples"
    return "altered", f"{path}: its md5 must be {file.md5}; remove it and run this again"

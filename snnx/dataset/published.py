"""Finds the files of a data set, as its publisher provides them, on this machine."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


class NoData(FileNotFoundError):
    """Raised when a data set is not on this machine."""


@dataclass(frozen=True)
class PublishedFile:
    """One file of a data set.

    Args:
        path: path of the file, relative to the data root.
        md5: the checksum of the unpacked file.
        samples: number of samples in the published file.
        url: the publisher's address of the file, which may be compressed or in an archive.
    """

    path: str
    md5: str
    samples: int
    url: str


@dataclass(frozen=True)
class Archive:
    """One archive of a data set of recordings.

    Args:
        name: name of the file.
        md5: the published checksum.
        url: the publisher's address.
        fetchable: whether a program can download it from there.
        folder: folder for its content, relative to the data root.
        variant: the variant of the data set that the archive belongs to; empty if all variants share it.
    """

    name: str
    md5: str
    url: str
    fetchable: bool
    folder: str
    variant: str = ""


def locate(root: str | None, files: Iterable[PublishedFile], *, dataset: str) -> list[Path]:
    """Return the paths of the files below `root`, in order.

    Args:
        root: the data root.
        files: the data set's files.
        dataset: the option's name, for the command that fetches it.

    Raises:
        ValueError: `root` is None.
        NoData: a file is missing.
    """
    if root is None:
        raise ValueError(f"{dataset}: root must be a folder; got null; set dataset.root or SNNX_DATA")
    folder = Path(root).expanduser().absolute()
    paths = [folder / file.path for file in files]
    for path in paths:
        if not path.is_file():
            layout = ", ".join(file.path for file in files)
            raise NoData(
                f"{dataset}: {path} must exist; expected below {folder}: {layout}; "
                f"fetch once with: snnx prepare {dataset} --root {folder}"
            )
    return paths

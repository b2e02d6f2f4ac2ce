"""Finds, reads and checks recordings of an event camera."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from snnx.dataset.binning import EVENT

HIGHEST = {"x": 2**15 - 1, "y": 2**15 - 1, "t": 2**53, "p": 1}  # largest values; for t, converting ms to µs must not overflow


LARGEST = 2**30
"""A recording of more bytes than this is refused, as is one whose events take more when they are unpacked."""
LONGEST = 200  # number of characters that are shown of another library's message, which may repeat the file


class Damaged(ValueError):
    """Raised when a recording is damaged or invalid."""


class Sample(NamedTuple):
    """Labelled events."""

    name: str  # for error messages: the path and the place in the file
    label: int
    events: np.ndarray  # of dtype EVENT


@dataclass(frozen=True)
class Recording:
    """A source of samples, in most cases a file with one sample.

    Args:
        name: path of the file, or another unique name.
        stamp: a text that changes whenever the content changes.
        read: reads the samples.
        files: the files that are read.
        group: name of the group of recordings that it belongs to, such as all of one person; empty if that is not known.
    """

    name: str
    stamp: str
    read: Callable[[], Iterator[Sample | Damaged]]
    files: tuple[Path, ...] = ()
    group: str = ""

    def samples(self) -> list[Sample | Damaged]:
        """Read all samples; a single damaged sample is replaced by its error.

        Raises:
            Damaged: the recording cannot be read; every error of a library is turned into this one.
            ModuleNotFoundError: a package that is needed to read it is not installed.
        """
        if self.place and Path(self.name).exists() and not Path(self.name).is_file():  # reading could wait for ever
            raise Damaged(f"{self.name}: must be a file; got a folder, a pipe or a device")
        for path in self.files:
            if (size := path.stat().st_size) > LARGEST:  # a file of a few bytes on disk can have any size
                raise Damaged(f"{path}: must have at most {LARGEST:,} bytes; got {size:,}")
        try:
            return list(self.read())
        except (Damaged, ModuleNotFoundError):
            raise
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # zipfile, zlib, tokenize and Rust code each raise errors of their own
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST]
            raise Damaged(f"{self.name}: must be a readable recording; got {reason}") from None

    @property
    def place(self) -> str:
        """Folder and name of the file, which are the same in every copy; empty if the recording is simulated, not a file."""
        path = Path(self.name)
        return "/".join(path.parts[-2:]) if path.is_absolute() else ""

    @classmethod
    def of_files(cls, read: Callable[[], Iterator[Sample | Damaged]], *paths: Path) -> "Recording":
        """Make a recording that is read from files; its stamp consists of their sizes and modification times."""
        there = tuple(path for path in paths if path.is_file())
        stats = [path.stat() for path in there]
        return cls(str(paths[0]), " ".join(f"{stat.st_size} {stat.st_mtime_ns}" for stat in stats), read, there)

    @classmethod
    def single(cls, path: Path, label: int, read: Callable[[Path], np.ndarray]) -> "Recording":
        """Make a recording from a file that contains the events of one sample."""
        return cls.of_files(lambda: iter([Sample(str(path), label, read(path))]), path)


Found = dict[str, list[Recording]]


@dataclass(frozen=True)
class Layout:
    """One of the folder layouts in which copies of a data set exist.

    Args:
        name: name of the layout in `result.json`.
        where: the paths below the data root, for messages.
        find: returns the recordings of each part below a data root, in the same order on every machine.
    """

    name: str
    where: str
    find: Callable[[Path], Found]


def in_folders(folder: Path, classes: tuple[str, ...], suffix: str, read: Callable[[Path], np.ndarray]) -> list[Recording]:
    """Return the files in one folder per class; `classes` gives the order of the classes, since the text 10 sorts before 2."""
    paths = [(label, path) for label, name in enumerate(classes) for path in sorted((folder / name).glob(f"*{suffix}"))]
    return [Recording.single(path, label, read) for label, path in paths]


def events_of(path: Path, *, x: np.ndarray, y: np.ndarray, t: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Convert the columns of a file to events, without changing any number.

    Shape:
        four arrays `[N]`, of any type with whole numbers, to `[N]` of EVENT.

    Raises:
        Damaged: the columns differ in length, or a number is not whole or out of the range of EVENT.

    Example:
        >>> events_of(Path("a"), x=[1], y=[2], t=[3.0], p=[True]).tolist()
        [(1, 2, 3, True)]
    """
    columns = {name: np.asarray(column) for name, column in (("x", x), ("y", y), ("t", t), ("p", p))}
    shapes = [list(column.shape) for column in columns.values()]
    if shapes != [[columns["t"].size]] * 4:
        raise Damaged(f"{path}: x, y, t and p must be columns of the same length; got {', '.join(map(str, shapes))}")
    events = np.empty(len(columns["t"]), EVENT)
    for name, column in columns.items():
        wrong = column[~((column >= 0) & (column <= HIGHEST[name]) & (column == np.trunc(column)))]  # NaN too
        if len(wrong):
            raise Damaged(f"{path}: {name} must be whole numbers in 0..{HIGHEST[name]}; got {wrong[0]}")
        events[name] = column
    return events


def require_sound(sample: Sample, sensor: tuple[int, int]) -> None:
    """Reject events that the sensor cannot have recorded.

    Raises:
        Damaged: there are no events, a time is negative or earlier than the one before it, or a pixel is outside the sensor.
    """
    events, (height, width) = sample.events, sensor
    if len(events) == 0:
        raise Damaged(f"{sample.name}: a recording must contain events; got none")
    t = events["t"]
    if t[0] < 0:
        raise Damaged(f"{sample.name}: timestamps must be at least 0 µs; got {t[0]}")
    back = np.flatnonzero(np.diff(t) < 0)
    if len(back):
        i = back[0]
        raise Damaged(f"{sample.name}: timestamps must not decrease; got {t[i + 1]} after {t[i]} µs at event {i + 1}")
    for axis, pixels in (("x", width), ("y", height)):
        low, high = events[axis].min(), events[axis].max()
        if low < 0 or high >= pixels:
            raise Damaged(f"{sample.name}: {axis} must lie in 0..{pixels - 1}; got {low} to {high}")

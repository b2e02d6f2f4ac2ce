"""Recordings of an event camera: where they come from, and what a sound one is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from snnx.dataset.binning import EVENT

HIGHEST = {"x": 2**15 - 1, "y": 2**15 - 1, "t": 2**53, "p": 1}  # of EVENT; t leaves room to turn ms into µs


class Damaged(ValueError):
    """A recording that is not what it should be."""


class Sample(NamedTuple):
    """Labelled events."""

    name: str  # for complaints: its path, and where in it
    label: int
    events: np.ndarray  # of dtype EVENT


@dataclass(frozen=True)
class Recording:
    """What yields samples: mostly a file with one in it.

    Args:
        name: its path, or what else tells it from others.
        stamp: changes whenever its content does.
        read: reads it anew.
        files: what is read.
    """

    name: str
    stamp: str
    read: Callable[[], Iterator[Sample | Damaged]]
    files: tuple[Path, ...] = ()

    def samples(self) -> list[Sample | Damaged]:
        """All of its samples, and what is wrong with those that are damaged alone.

        Raises:
            Damaged: it cannot be read, whatever a library says of that.
            ModuleNotFoundError: what reads it is not installed.
        """
        try:
            return list(self.read())
        except (Damaged, ModuleNotFoundError):
            raise
        except Exception as error:  # zipfile's, zlib's, tokenize's, Rust's: each library has classes of its own
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise Damaged(f"{self.name}: must be a whole recording; got {reason}") from None

    @property
    def place(self) -> str:
        """Folder and name of its file, the same wherever a copy lies; empty if it is no file, but made alike everywhere."""
        path = Path(self.name)
        return "/".join(path.parts[-2:]) if path.is_absolute() else ""

    @classmethod
    def of_files(cls, read: Callable[[], Iterator[Sample | Damaged]], *paths: Path) -> "Recording":
        """One that is read from files, stamped with their sizes and the times of their last changes."""
        there = tuple(path for path in paths if path.is_file())
        stats = [path.stat() for path in there]
        return cls(str(paths[0]), " ".join(f"{stat.st_size} {stat.st_mtime_ns}" for stat in stats), read, there)

    @classmethod
    def single(cls, path: Path, label: int, read: Callable[[Path], np.ndarray]) -> "Recording":
        """One that is a file with the events of one sample."""
        return cls.of_files(lambda: iter([Sample(str(path), label, read(path))]), path)


Found = dict[str, list[Recording]]


@dataclass(frozen=True)
class Layout:
    """One of the ways in which copies of a data set lie on disks.

    Args:
        name: as it stands in `result.json`.
        where: the paths below the data root, for people.
        find: from the data root to the recordings of each part, in an order that is the same on every machine.
    """

    name: str
    where: str
    find: Callable[[Path], Found]


def in_folders(folder: Path, classes: tuple[str, ...], suffix: str, read: Callable[[Path], np.ndarray]) -> list[Recording]:
    """The files in one folder a class. A class is its folder's place in `classes`: sorted as text, 10 would come before 2."""
    paths = [(label, path) for label, name in enumerate(classes) for path in sorted((folder / name).glob(f"*{suffix}"))]
    return [Recording.single(path, label, read) for label, path in paths]


def events_of(path: Path, *, x: np.ndarray, y: np.ndarray, t: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The columns of a file as events, none of whose numbers is changed.

    Shape:
        four times `[N]`, of any type that holds whole numbers, to `[N]` of EVENT.

    Raises:
        Damaged: they are not of one length, or a number is not whole or leaves what an event can say.

    Example:
        >>> events_of(Path("a"), x=[1], y=[2], t=[3.0], p=[True]).tolist()
        [(1, 2, 3, True)]
    """
    columns = {name: np.asarray(column) for name, column in (("x", x), ("y", y), ("t", t), ("p", p))}
    shapes = [list(column.shape) for column in columns.values()]
    if shapes != [[columns["t"].size]] * 4:
        raise Damaged(f"{path}: x, y, t and p must be columns of one length; got {', '.join(map(str, shapes))}")
    events = np.empty(len(columns["t"]), EVENT)
    for name, column in columns.items():
        wrong = column[~((column >= 0) & (column <= HIGHEST[name]) & (column == np.trunc(column)))]  # NaN too
        if len(wrong):
            raise Damaged(f"{path}: {name} must be whole numbers in 0..{HIGHEST[name]}; got {wrong[0]}")
        events[name] = column
    return events


def require_sound(sample: Sample, sensor: tuple[int, int]) -> None:
    """Refuse events that no sensor can have given.

    Raises:
        Damaged: there are none, time is negative or runs backwards, or a pixel lies outside the sensor.
    """
    events, (height, width) = sample.events, sensor
    if len(events) == 0:
        raise Damaged(f"{sample.name}: a recording must hold events; got none")
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

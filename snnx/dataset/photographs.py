"""The base class of ImageNet and Tiny ImageNet: photographs in one folder per class."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from snnx.dataset.batches import Batches
from snnx.dataset.images import Images
from snnx.dataset.photograph_files import PhotographFiles
from snnx.dataset.picture import SUFFIXES
from snnx.dataset.published import NoData

Listed = tuple[list[Path], list[str]]
"""Files, and the name of the class of each."""


class Photographs(Images):
    """Photographs that are decoded when they are needed: `train/CLASS/` for training and `val/` for the test.

    `val/` has a folder per class or a file with a list of labels. Nothing is downloaded, as the publishers require consent.
    Classes are numbered in the order of their names, as in torchvision and its trained weights. The official validation set
    serves as the test set, since the labels of the official test set are not public.

    Raises:
        NoData: the folder does not exist.
        ValueError: a folder is empty or not as expected, or the test set has a class that the training set lacks.
    """

    folder: ClassVar[str]  # the data set's folder, relative to the data root
    labels: ClassVar[str]  # the file that lists the labels if all pictures of `val` are in one folder
    listed: ClassVar[Callable[[Path], dict[str, str]]]  # reads that file, as file name to class

    def read(self) -> dict[str, tuple[PhotographFiles, Tensor]]:
        train, test = parts(type(self), Path(self.root).expanduser().absolute() if self.root else None)
        names = sorted(set(train[1]))
        number = {name: i for i, name in enumerate(names)}
        if unknown := sorted(set(test[1]) - set(names)):
            raise ValueError(f"{type(self).__name__}: val must contain only classes of train; got {', '.join(unknown[:3])}")
        self.class_names = names
        self.facts = {"classes": len(names)}
        side = self.shape[1]
        return {
            part: (PhotographFiles(paths, side, random=part == "train"), torch.tensor([number[label] for label in labels]))
            for part, (paths, labels) in (("train", train), ("test", test))
        }

    def sources(self) -> list[Path]:
        train, test = parts(type(self), Path(self.root).expanduser().absolute() if self.root else None)
        return [*train[0], *test[0]]

    def setup(self, stage: str | None = None) -> None:
        super().setup(stage)
        pictures, labels = self._parts["val"]
        self._parts["val"] = pictures.centred(), labels

    def train_dataloader(self) -> Batches:
        batches = super().train_dataloader()
        if self.plain or (self.trainer is not None and not self.trainer.training):  # in calibration: the same crops each time
            batches.images = batches.images.centred()
        return batches

    @classmethod
    def examine(cls, root: Path, variant: str) -> list[tuple[str, str]]:
        """Return what `snnx prepare` prints about a copy, as pairs of a state and a line; there is only one variant."""
        try:
            found = parts(cls, root)
        except NoData as error:
            return [("missing", str(error))]
        except ValueError as error:
            return [("damaged", str(error))]
        return [
            ("ok" if len(paths) == count else "partial", f"{root / cls.folder / part}: {len(paths)} of {count} pictures")
            for part, (paths, _), count in zip(("train", "val"), found, cls.counts, strict=True)
        ]

    @classmethod
    def fetch(cls, folder: str) -> None:
        """Raise an error that says where to get the data set.

        Raises:
            OSError: always.
        """
        raise OSError(f"{cls.__name__} is never downloaded; get it at {cls.files[0].url} and unpack it as {cls.folder}")


def parts(dataset: type[Photographs], root: Path | None) -> tuple[Listed, Listed]:
    """Return the pictures and classes of the training and test sets below a data root."""
    name = dataset.__name__
    if root is None:
        raise ValueError(f"{name}: root must be a folder; got null; set dataset.root or SNNX_DATA")
    for part in ("train", "val"):
        if not (root / dataset.folder / part).is_dir():
            raise NoData(
                f"{name}: {root / dataset.folder / part} must exist, with a folder for each class; it is never downloaded"
            )
    train, test = root / dataset.folder / "train", root / dataset.folder / "val"
    return _by_class(train, name), _flat(dataset, test) or _by_class(test, name)


def _by_class(folder: Path, name: str) -> Listed:
    """Return the pictures of `CLASS/*.JPEG` or `CLASS/images/*.JPEG` with their classes."""
    found: Listed = ([], [])
    for one in sorted(path for path in folder.iterdir() if path.is_dir()):
        paths = _pictures(one / "images" if (one / "images").is_dir() else one)
        found[0].extend(paths)
        found[1].extend([one.name] * len(paths))
    if not found[0]:
        raise ValueError(f"{name}: {folder} must contain a folder of pictures for each class; got none")
    return found


def _flat(dataset: type[Photographs], folder: Path) -> Listed | None:
    """Return pictures that are all in one folder, with labels from a file; None if there is a folder for each class."""
    place = folder / "images" if (folder / "images").is_dir() else folder
    paths = _pictures(place)
    if not paths:
        return None
    lists = [one / dataset.labels for one in (folder, folder.parent) if (one / dataset.labels).is_file()]
    if not lists:
        raise ValueError(
            f"{dataset.__name__}: {folder} must contain a folder for each class, or pictures with {dataset.labels}; "
            "got pictures only"
        )
    labels = dataset.listed(lists[0])
    if unlisted := next((path.name for path in paths if path.stem not in labels), None):
        raise ValueError(f"{dataset.__name__}: {lists[0]} must list every picture of {place}; got {unlisted} without a label")
    return paths, [labels[path.stem] for path in paths]


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def first_two_columns(path: Path, separator: str) -> dict[str, str]:
    """Read each picture's name, without its suffix, and the first word of the second column."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file, delimiter=separator) if len(row) > 1]
    return {Path(row[0]).stem: row[1].split()[0] for row in rows if row[1].split()}

"""The data module of a user's own pictures, in one folder for each class."""

from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from snnx.augmentation.augmentation import Augmentation
from snnx.dataset.class_folders import ClassFolders
from snnx.dataset.content import folders, stamp
from snnx.dataset.folder_check import check_folder
from snnx.dataset.images import Images
from snnx.dataset.picture_files import PictureFiles
from snnx.dataset.picture_reader import PictureReader
from snnx.dataset.rows import Samples
from snnx.dataset.split import balanced_order

MEMORY = 2**30
"""Pictures that take at most this many bytes are decoded once and stay in memory; others are decoded for each batch."""


class Folder(Images):
    """Pictures in one folder for each class; classes, channels, bits and size are read from the files.

        root/CLASS/*                         the test part and the validation part are drawn by `split_seed`, class-balanced
        root/train/CLASS/*                   the same
        root/train/CLASS/*, root/test/...    the validation part is drawn from the training pictures
        root/train/CLASS/*, root/val/...     `val` is the test part; the validation part is drawn from the training pictures
        all three                            `val` is the validation part; nothing is drawn

    `valid` and `validation` are other names for `val`. Classes are numbered in the order of their names. Hidden files are
    ignored; other files that are not pictures are counted in `facts`. Pictures are PNG, JPEG, TIFF, BMP, PGM, PPM or WebP.
    They have 8 bits a channel, or 16 if they are grey, and all bits are kept. Transparency is dropped. All must have as many
    bits and channels as the first training picture, and its height and width, unless they are converted by
    `channels` and `side`. Pictures that take more than 1 GiB in memory are decoded for each batch; the result is the same.

    Shape:
        loaders yield uint8 or, for pictures of 16 bits, int16 `[B, C, H, W]`, and labels `[B]`; after the transfer, float32 in
        [0, 1], the pixel / 255 or / 65535, unless normalised.

    Args:
        root: the folder of pictures.
        name: name of the pictures in results and in the run's identity; None takes `root` as it was typed, so that runs on two
            folders never share results. With a name, the folder may be moved.
        batch_size, augmentation, seed, samples: see `Labelled`.
        validation: fraction of the training pictures that is held out, in [0, 1); not used if there is a validation part.
        normalize: whether to subtract the mean and divide by the standard deviation of each channel of the training pictures.
        split_seed: seed of the test and validation parts, and of the choice of samples if `samples` is below 1.
        test: fraction of the pictures that is the test part, in (0, 1); not used if there is a test part.
        side: height and width in pixels; the shorter side is resized to it and the middle is kept. None keeps the size.
        channels: 3 repeats grey, 1 makes colours grey. None keeps the channels.

    Attributes:
        class_names: names of the classes, in the order of their numbers.

    Raises:
        ValueError: an argument is out of range, the folder has another layout, a picture is damaged, or it differs from the
            first one.
        NoData: the folder does not exist.
    """

    def __init__(
        self,
        *,
        root: str | None = None,
        name: str | None = None,
        batch_size: int,
        validation: float,
        normalize: bool,
        augmentation: Augmentation,
        seed: int,
        split_seed: int = 0,
        samples: float = 1.0,
        test: float = 0.2,
        side: int | None = None,
        channels: Literal[1, 3] | None = None,
    ) -> None:
        super().__init__(
            root=root,
            batch_size=batch_size,
            validation=validation,
            normalize=normalize,
            augmentation=augmentation,
            seed=seed,
            split_seed=split_seed,
            samples=samples,
        )
        if root is None:
            raise ValueError("Folder: root must be a folder of pictures by class; got null; set dataset.root")
        if not 0 < test < 1:
            raise ValueError(f"Folder: test must lie in (0, 1); got {test}")
        if side is not None and side < 1:
            raise ValueError(f"Folder: side must be at least 1, or null; got {side}")
        if channels not in (None, 1, 3):
            raise ValueError(f"Folder: channels must be 1, 3 or null; got {channels}")
        self.known_as = name or root
        self.test = test
        self.side = side
        self.channels = channels

    @cached_property
    def found(self) -> ClassFolders:
        """The pictures on disk; they are listed once."""
        return ClassFolders.find(self._root)

    @cached_property
    def reader(self) -> PictureReader:
        """The reader of the pictures, which must have the format of the first training picture."""
        return PictureReader(self.found.parts["train"][0][0], self.side, self.channels)

    @property
    def class_names(self) -> list[str]:
        return self.found.classes

    @property
    def classes(self) -> int:
        return len(self.class_names)

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.reader.shape

    def sources(self) -> list[Path]:
        return [path for part in self.found.parts.values() for path, _ in part]

    def content(self) -> dict[str, object]:
        found = super().content()
        # The stamp covers the root, where a new part would appear, and the folders above the classes, where a class would.
        where = sorted({".", *found["folders"], *folders(self.found.folders, self._root)})
        return {**found, "folders": where, "stamp": stamp(self._root, where)}

    def read(self) -> dict[str, tuple[Samples, Tensor]]:
        parts = self._divided()
        self.names = [f"{part} {path.relative_to(self._root).as_posix()}" for part, some in parts.items() for path, _ in some]
        files = {part: PictureFiles([path for path, _ in some], self.reader) for part, some in parts.items()}
        in_memory = sum(pictures.nbytes for pictures in files.values()) <= MEMORY
        if not in_memory:
            for pictures in files.values():
                pictures.require_same_format()  # reports a wrong picture now and not in the middle of an epoch
        self.facts = {
            "name": self.known_as,
            "classes": self.classes,
            "class_names": self.class_names,
            "shape": list(self.shape),
            "bits": self.reader.format.bits,
            "other_files": len(self.found.others),
        }
        return {
            part: (pictures[:] if in_memory else pictures, torch.tensor([label for _, label in parts[part]]))
            for part, pictures in files.items()
        }

    @property
    def _root(self) -> Path:
        return Path(self.root).expanduser().absolute()

    def _divided(self) -> dict[str, list[tuple[Path, int]]]:
        """Return the pictures of each part; a test part is drawn if the folder has none."""
        if "test" in self.found.parts:
            return self.found.parts
        pictures = self.found.parts["train"]
        order = balanced_order(torch.tensor([label for _, label in pictures]), self.split_seed).tolist()
        drawn = min(max(1, round(self.test * len(order))), len(order) - 1)
        return {
            part: [pictures[place] for place in sorted(some)]
            for part, some in (("train", order[drawn:]), ("test", order[:drawn]))
        }

    @classmethod
    def examine(cls, root: Path, variant: str) -> list[tuple[str, str]]:
        """Return what `snnx prepare` prints about a folder, as pairs of a state and a line; every picture is decoded."""
        return check_folder(root)

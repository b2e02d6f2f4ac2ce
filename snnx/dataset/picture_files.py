"""Reads pictures that stay in their files, batch by batch and without random changes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from snnx.dataset.mapped import Mapped
from snnx.dataset.picture import format_of
from snnx.dataset.picture_reader import PictureReader


class PictureFiles(Mapped):
    """Pictures in files, decoded when they are indexed.

    Shape:
        `pictures[chosen]` is `[len(chosen), C, H, W]`, uint8 or int16; see `PictureReader`.

    Args:
        paths: paths of the files.
        reader: reads one file.
        index: the files to use, in this order; None for all.
    """

    def __init__(self, paths: Sequence[Path], reader: PictureReader, index: Tensor | None = None) -> None:
        super().__init__(np.array([str(path) for path in paths]), index)
        self.reader = reader

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.index), *self.reader.shape)

    @property
    def nbytes(self) -> int:
        """How much memory all pictures take once they are decoded."""
        channels, height, width = self.reader.shape
        return len(self) * channels * height * width * self.reader.format.bits // 8

    def rows(self, index: Tensor) -> "PictureFiles":
        return PictureFiles(self.array, self.reader, self.index[index])

    def to(self, device: torch.device) -> "PictureFiles":
        return self

    def require_same_format(self) -> None:
        """Compare the format of every picture with that of the first one, without decoding them.

        Raises:
            ValueError: a file is not a picture, or its format differs from that of the first one.
        """
        paths = [Path(path) for path in self.array[self.index.numpy()]]
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            for path, found in zip(paths, threads.map(format_of, paths), strict=True):
                self.reader.require(path, found)

    def __getitem__(self, chosen: Tensor | slice) -> Tensor:
        paths = [Path(path) for path in self.array[self.index[chosen].numpy()]]
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            return torch.stack(list(threads.map(self.reader.read, paths)))

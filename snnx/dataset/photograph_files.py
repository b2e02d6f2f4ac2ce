"""Decodes photographs that stay in their files, batch by batch."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from snnx.dataset.mapped import Mapped
from snnx.dataset.picture import WHITE, pixels
from snnx.dataset.picture_reader import in_channels

Box = tuple[float, float, float, float]


class PhotographFiles(Mapped):
    """Photographs in files, decoded to bytes and resized to a common size.

        centred: resize the shorter side to side * 256/224 and keep the middle; a picture of size side × side is not changed
        random:  crop 8 % to 100 % of the area with an aspect ratio of 3/4 to 4/3, resize it, and mirror it with probability 1/2

    Grey becomes three equal channels. Channels of 16 bits become 8 bits: pixel / 257.

    Random numbers come from torch and are drawn before decoding begins, so that they do not depend on the decoding threads.

    Shape:
        `pictures[chosen]` is `[len(chosen), 3, side, side]`, uint8.

    Args:
        paths: paths of the files.
        side: width and height of the result, in pixels.
        random: whether to crop at random, as in training.
        index: the files to use, in this order; None for all.

    Raises:
        ValueError: a file is not a picture that `picture.pixels` can read.

    Source: Szegedy et al., 2015 (the random crop), with torchvision's ranges.
    """

    def __init__(self, paths: Sequence[Path], side: int, *, random: bool, index: Tensor | None = None) -> None:
        super().__init__(np.array([str(path) for path in paths]), index)
        self.side, self.random = side, random

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.index), 3, self.side, self.side)

    def rows(self, index: Tensor) -> "PhotographFiles":
        return PhotographFiles(self.array, self.side, random=self.random, index=self.index[index])

    def centred(self) -> "PhotographFiles":
        """Return the same files without random crops."""
        return PhotographFiles(self.array, self.side, random=False, index=self.index)

    def to(self, device: torch.device) -> "PhotographFiles":
        return self

    def __getitem__(self, chosen: Tensor | slice) -> Tensor:
        return self.reading(chosen)()

    def reading(self, chosen: Tensor | slice) -> Callable[[], Tensor]:
        paths = self.array[self.index[chosen].numpy()]
        draws = torch.rand(len(paths), 5).tolist() if self.random else [None] * len(paths)
        return lambda: self._all_decoded(paths, draws)

    def _all_decoded(self, paths: Sequence[str], draws: Sequence[list[float] | None]) -> Tensor:
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            return torch.stack(list(threads.map(self._decoded, paths, draws)))

    def _decoded(self, path: str, draw: list[float] | None) -> Tensor:
        values = pixels(Path(path))
        if values.dtype == np.uint16:
            values = np.rint(values / (WHITE / 255)).astype(np.uint8)
        picture = Image.fromarray(in_channels(values, 3))
        size = (self.side, self.side)
        if draw is not None or picture.size != size:
            box = middle(*picture.size) if draw is None else crop(*picture.size, draw)
            picture = picture.resize(size, Image.Resampling.BILINEAR, box=box)
        decoded = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
        return decoded.flip(2) if draw is not None and draw[4] < 0.5 else decoded


def middle(width: int, height: int) -> Box:
    """Return the central square whose side is 224/256 of the shorter side of the picture.

    Example:
        >>> middle(512, 256)
        (144.0, 16.0, 368.0, 240.0)
    """
    taken = min(width, height) * 224 / 256
    return (width - taken) / 2, (height - taken) / 2, (width + taken) / 2, (height + taken) / 2


def crop(width: int, height: int, draw: Sequence[float]) -> Box:
    """Return a part of the picture, from four numbers in [0, 1): share of the area, aspect ratio, and the two coordinates.

    If the part would be wider or higher than the picture, it gets the picture's width or height.

    Example:
        >>> [round(place, 6) for place in crop(100, 100, [1.0, 0.5, 0.0, 0.0])]
        [0.0, 0.0, 100.0, 100.0]
    """
    area = width * height * (0.08 + 0.92 * draw[0])
    aspect = math.exp((2 * draw[1] - 1) * math.log(4 / 3))
    wide, high = min(width, math.sqrt(area * aspect)), min(height, math.sqrt(area / aspect))
    left, top = (width - wide) * draw[2], (height - high) * draw[3]
    return left, top, left + wide, top + high

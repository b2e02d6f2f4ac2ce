"""Reads pictures that must have the same format, and converts them to the same shape."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from snnx.dataset.picture import Format, format_of, pixels

LUMA = (0.299, 0.587, 0.114)  # shares of red, green and blue in grey: ITU-R 601, as in Pillow


@dataclass(frozen=True)
class PictureReader:
    """Reads pictures that have the same bits, channels and size as the first one, or converts channels and size.

        side:      resize the shorter side to `side` and keep the middle; a picture of side x side is not changed
        channels:  grey is repeated for 3, and colours become grey for 1

    Args:
        first: the picture that the others are compared with.
        side: height and width of the result in pixels; None keeps the pictures' size, which must then be the same for all.
        channels: 1 or 3; None keeps the pictures' channels, which must then be the same for all.
    """

    first: Path
    side: int | None
    channels: int | None

    @cached_property
    def format(self) -> Format:
        """The format of the first picture.

        Raises:
            ValueError: the file is not a picture.
        """
        return format_of(self.first)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape `(C, H, W)` of every picture that is read."""
        channels, height, width, _ = self.format
        return (self.channels or channels, self.side or height, self.side or width)

    def read(self, path: Path) -> Tensor:
        """Return one picture.

        Shape:
            `[C, H, W]`, uint8 for 8 bits a channel, and int16 for 16 bits: the pixel less 32768.

        Raises:
            ValueError: the file is not a picture, or its format differs from that of the first one.
        """
        values = pixels(path)
        height, width, channels = values.shape
        self.require(path, Format(channels, height, width, 8 * values.dtype.itemsize))
        values = resized(in_channels(values, self.shape[0]), *self.shape[1:])
        if values.dtype == np.uint16:
            values = (values ^ 0x8000).view(np.int16)
        return torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)))

    def require(self, path: Path, found: Format) -> None:
        """Compare the format of a picture with that of the first one.

        Raises:
            ValueError: they differ in something that is not converted.
        """
        expected = self.format
        if found.bits != expected.bits:
            self._differ("bits a channel", path, expected.bits, found.bits, "convert them")
        if self.channels is None and found.channels != expected.channels:
            self._differ("channels", path, expected.channels, found.channels, "set dataset.channels=1 or dataset.channels=3")
        if self.side is None and found[1:3] != expected[1:3]:
            sizes = (f"{one.height}x{one.width}" for one in (expected, found))
            self._differ("height and width", path, *sizes, "set dataset.side to resize them, such as dataset.side=64")

    def _differ(self, what: str, path: Path, ours: object, theirs: object, remedy: str) -> None:
        raise ValueError(
            f"Folder: pictures must have the same {what}; got {ours} in {self.first} and {theirs} in {path}; {remedy}"
        )


def in_channels(values: np.ndarray, channels: int) -> np.ndarray:
    """Return a picture in grey or in colours.

    Shape:
        `[H, W, 1 or 3] -> [H, W, channels]`, of the same dtype.

    Example:
        >>> in_channels(np.array([[[255, 0, 0]]], np.uint8), 1).tolist(), in_channels(np.array([[[7]]], np.uint8), 3).tolist()
        ([[[76]]], [[[7, 7, 7]]])
    """
    if values.shape[2] == channels:
        return values
    if channels == 3:
        return values.repeat(3, axis=2)
    return np.rint(values @ np.array(LUMA)).astype(values.dtype)[..., None]


def resized(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize a picture so that it just covers height x width, and keep the middle; bilinear with antialiasing.

    Shape:
        `[H, W, C] -> [height, width, C]`, of the same dtype.

    Example:
        >>> resized(np.array([[0, 1, 2, 3], [0, 1, 2, 3]], np.uint16)[..., None], 2, 2)[..., 0].tolist()
        [[1, 2], [1, 2]]
    """
    if values.shape[:2] == (height, width):
        return values
    high, wide = values.shape[:2]
    scale = min(high / height, wide / width)
    left, top = (wide - width * scale) / 2, (high - height * scale) / 2
    box = (left, top, left + width * scale, top + height * scale)
    planes = [Image.fromarray(plane.astype(np.float32)) for plane in np.moveaxis(values, 2, 0)]
    planes = [np.array(plane.resize((width, height), Image.Resampling.BILINEAR, box=box)) for plane in planes]
    return np.rint(np.stack(planes, axis=2)).astype(values.dtype)

"""Reads one picture from a file, with all bits that it has."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

SUFFIXES = {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""The formats that Pillow may recognise, whatever the file's name. For others, such as EPS, it starts a program on the file."""
GREY, COLOUR = {"1", "L", "LA"}, {"P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}  # Pillow's modes with 8 bits a channel
DEEP_GREY = {"I", "I;16", "I;16B", "I;16L", "I;16N"}  # those with 16
DEEP = re.compile(r";16[BLN]$")
"""Matches Pillow's name of pixel data with 16 bits a channel, of which Pillow reads only 8 if the picture has colours."""
WHITE = 65535
LONGEST = 200  # number of characters that are shown of Pillow's message


class Format(NamedTuple):
    """The format of a picture: channels, size and bits."""

    channels: int  # 1 is grey, 3 are red, green and blue
    height: int
    width: int
    bits: int  # of a channel, 8 or 16


def format_of(path: Path) -> Format:
    """Return the format of a picture, without decoding it.

    Raises:
        ValueError: the file is not a picture, has several pages, has neither 8 nor 16 bits a channel, or has colours of 16
            bits.
    """
    with _opened(path) as picture:
        return _format(path, picture)


def pixels(path: Path) -> np.ndarray:
    """Decode a picture.

    Transparency is dropped, as by torchvision, and the colours of a palette become red, green and blue.

    Shape:
        `[H, W, C]`; C is 1 or 3 for uint8, and 1 for uint16.

    Raises:
        ValueError: as `format_of`, or the file is damaged.
    """
    with _opened(path) as picture:
        channels, _, _, bits = _format(path, picture)
        if bits == 8:
            if picture.mode in ("P", "PA"):
                picture = picture.convert("RGBA")  # Pillow warns if a palette with transparent colours becomes RGB at once
            return np.array(picture.convert("L" if channels == 1 else "RGB")).reshape(picture.height, picture.width, channels)
        grey = np.array(picture)
        if grey.min() < 0 or grey.max() > WHITE:
            raise ValueError(f"{path}: pixels must lie in 0..{WHITE}; got {grey.min()} to {grey.max()}")
        return grey.astype(np.uint16)[..., None]


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    if path.exists() and not path.is_file():  # reading could wait for ever
        raise ValueError(f"{path}: must be a picture; got a pipe or a device; remove it")
    try:
        with Image.open(path, formats=FORMATS) as picture:
            yield picture
    except Exception as error:  # Pillow raises almost any error for a damaged picture
        if isinstance(error, ValueError) and str(error).startswith(f"{path}: "):
            raise
        reason = " ".join(str(error).split())[:LONGEST]
        raise ValueError(
            f"{path}: must be a picture; got a file of which Pillow says: {reason}; remove it or copy it again"
        ) from None


def _format(path: Path, picture: Image.Image) -> Format:
    if (pages := getattr(picture, "n_frames", 1)) > 1 and picture.format != "MPO":  # MPO: a camera's JPEG that has a preview
        raise ValueError(f"{path}: must be one picture; got {pages} pages; save each page as a file")
    stored = _stored(picture)
    if picture.mode in DEEP_GREY:
        return Format(1, picture.height, picture.width, 16)
    if picture.mode not in GREY | COLOUR:
        raise ValueError(f"{path}: must have 8 or 16 bits a channel; got mode {picture.mode}; convert it")
    if DEEP.search(stored):
        raise ValueError(f"{path}: must be grey without transparency if it has 16 bits a channel; got {stored}; convert it")
    return Format(1 if picture.mode in GREY else 3, picture.height, picture.width, 8)


def _stored(picture: Image.Image) -> str:
    """Return Pillow's name of the pixel data in the file, such as `RGB;16B`; empty if it has none."""
    if not picture.tile:
        return ""
    arguments = picture.tile[0][3]
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""

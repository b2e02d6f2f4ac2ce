"""Yin-Yang: random points of the plane; a formula gives their class."""

from math import hypot
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from snnx.augmentation.augmentation import Augmentation
from snnx.dataset.images import Images

R_BIG, R_SMALL = 0.5, 0.1
YIN, YANG, DOT = 0, 1, 2
PARTS = {"train": (5_000, 42), "val": (1_000, 41), "test": (1_000, 40)}
"""The number of samples and the seed of each part."""


class YinYang(Images):
    """7,000 points of the yin-yang sign, whose classes are yin, yang and the two dots; nothing is read from files.

        sample = (x, y, 1 - x, 1 - y),     (x, y) in the circle of radius 0.5 around (0.5, 0.5)

    A sample is an image of one row of four pixels, so `backbone=mlp` has four inputs. A linear classifier reaches 64 % and a
    ReLU network with 120 hidden neurons 98.7 % (the publisher's numbers). The values are rounded to 16 bits, which changes them
    by at most 8e-6; the class is computed from the exact point.

    There are official training, validation and test parts, drawn with the seeds 42, 41 and 40. For each sample a class is drawn
    first, and then points are drawn until one has this class.

    Args:
        batch_size, augmentation, seed, split_seed, samples, normalize: see `Images`.

    Source:
        Kriener, Göltz and Petrovici 2022, The Yin-Yang dataset. Circle, classes, sizes, seeds and the order in which random
        numbers are drawn are those of its repository, lkriener/yin_yang_data_set (`dataset.py`, `README.md`).

    Example:
        >>> from snnx.augmentation.none import none
        >>> data = YinYang(batch_size=20, normalize=False, augmentation=none, seed=0)
        >>> data.setup()
        >>> data.split_counts
        {'train': 5000, 'val': 1000, 'test': 1000}
    """

    classes = 3
    class_names = ("yin", "yang", "dot")
    shape = (1, 1, 4)
    counts = (5_000, 1_000)
    mean = (0.5,)  # x + (1 - x) = 1, so the mean is exact
    std = (0.2337,)

    def __init__(
        self,
        *,
        batch_size: int,
        normalize: bool,
        augmentation: Augmentation,
        seed: int,
        split_seed: int = 0,
        samples: float = 1.0,
    ) -> None:
        super().__init__(
            batch_size=batch_size,
            validation=0.0,  # it has a validation part
            normalize=normalize,
            augmentation=augmentation,
            seed=seed,
            split_seed=split_seed,
            samples=samples,
        )

    def sources(self) -> list[Path]:
        return []

    def read(self) -> dict[str, tuple[Tensor, Tensor]]:
        return {part: _as_pixels(*draw(size, seed)) for part, (size, seed) in PARTS.items()}


def class_of(x: float, y: float) -> int:
    """Return the class of a point in the circle: 0 for yin, 1 for yang, 2 for a dot.

    The S-curve between yin and yang consists of two half circles of half the radius around the dots.

    Example:
        >>> class_of(0.75, 0.5), class_of(0.3, 0.3), class_of(0.5, 0.9)     # in the right dot, below and above
        (2, 1, 1)
    """
    right, left = hypot(x - 1.5 * R_BIG, y - R_BIG), hypot(x - 0.5 * R_BIG, y - R_BIG)
    if min(right, left) < R_SMALL:
        return DOT
    upper = y > R_BIG and right > 0.5 * R_BIG
    return int(upper or R_SMALL < left <= 0.5 * R_BIG or right <= R_SMALL)


def draw(size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw points with balanced classes, by the same random numbers as the publisher's code.

    Returns:
        the points, `[size, 2]` in float64, and their classes, `[size]`.
    """
    random = np.random.RandomState(seed)
    points, classes = np.empty((size, 2)), np.empty(size, dtype=np.int64)
    for place in range(size):
        wanted = random.randint(3)
        found = None
        while found != wanted:
            x, y = (random.rand(2) * 2 * R_BIG).tolist()  # Python's floats, which are faster one by one
            found = class_of(x, y) if hypot(x - R_BIG, y - R_BIG) <= R_BIG else None
        points[place], classes[place] = (x, y), wanted
    return points, classes


def _as_pixels(points: np.ndarray, classes: np.ndarray) -> tuple[Tensor, Tensor]:
    values = torch.from_numpy(np.concatenate([points, 1 - points], axis=1))
    return values.mul(65_535).round().sub(32_768).to(torch.int16).view(-1, *YinYang.shape), torch.from_numpy(classes)

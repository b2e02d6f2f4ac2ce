"""Computes the mean and the standard deviation of each channel of a set of images."""

import math

import torch
from torch import Tensor

from snnx.dataset.mapped import Mapped

CHUNK = 2**22
"""Number of values that are summed at a time. They take 32 MiB as int64, and the sum of their squares cannot overflow."""


def mean_std(images: Tensor | Mapped) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean and the standard deviation of each channel, of values in [0, 1], over all pixels of all images.

    The sums are sums of integers, so the result does not depend on their order or on the machine.

    Shape:
        `[N, C, H, W]`, uint8 or int16.

    Example:
        >>> mean_std(torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1))
        ((0.5,), (0.5,))
    """
    channels = images.shape[1]
    total, squares, count = [0] * channels, [0] * channels, 0
    step = max(1, CHUNK // math.prod(images.shape[1:]))
    for start in range(0, len(images), step):
        some = images[start : start + step]
        span = torch.iinfo(some.dtype)
        values = some.long() - span.min
        total = [a + b for a, b in zip(total, values.sum((0, 2, 3)).tolist(), strict=True)]
        squares = [a + b for a, b in zip(squares, values.square().sum((0, 2, 3)).tolist(), strict=True)]
        count += values[:, 0].numel()
    white = span.max - span.min
    mean = tuple(s / (count * white) for s in total)
    std = tuple(math.sqrt(count * q - s * s) / (count * white) for s, q in zip(total, squares, strict=True))
    return mean, std

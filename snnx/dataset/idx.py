"""Reads the idx format, in which MNIST and its successors are published."""

from pathlib import Path

import torch
from torch import Tensor
from torchvision.datasets.mnist import read_sn3_pascalvincent_tensor

LARGEST = 2**30
"""A larger file is refused; a file of a few bytes on disk can have any size. Those of EMNIST have at most 550 MB."""


def read(path: Path) -> Tensor:
    """Return the content of one idx file, images `[N, H, W]` or labels `[N]`, uint8.

    Raises:
        ValueError: the file is truncated, larger than 1 GiB, or is not an idx file of bytes.
    """
    size = path.stat().st_size
    try:
        content = None if size > LARGEST else read_sn3_pascalvincent_tensor(str(path))
    except (AssertionError, KeyError, RuntimeError, ValueError):
        content = None
    if content is None or content.dtype != torch.uint8:
        raise ValueError(f"{path}: must be a complete idx file; got {size} bytes; remove it and fetch it again")
    return content


def samples_in(path: Path) -> int:
    """Return the number of samples in one idx file."""
    return len(read(path))

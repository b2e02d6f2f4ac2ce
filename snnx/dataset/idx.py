"""Reads the idx format, in which MNIST and its successors are published."""

from pathlib import Path

import torch
from torch import Tensor
from torchvision.datasets.mnist import read_sn3_pascalvincent_tensor


def read(path: Path) -> Tensor:
    """Return the content of one idx file, images `[N, H, W]` or labels `[N]`, uint8.

    Raises:
        ValueError: the file is truncated, or is not an idx file of bytes.
    """
    try:
        content = read_sn3_pascalvincent_tensor(str(path))
    except (AssertionError, KeyError, RuntimeError, ValueError):
        content = None
    if content is None or content.dtype != torch.uint8:
        raise ValueError(f"{path}: must be a complete idx file; got {path.stat().st_size} bytes; remove it and fetch it again")
    return content


def samples_in(path: Path) -> int:
    """Return the number of samples in one idx file."""
    return len(read(path))

"""Writers of tiny files in the publishers' formats."""

import pickle
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def write_idx():
    """The idx format: 0x0800 + dimensions, each size as a big-endian int32, then the bytes."""

    def write(path: Path, values: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        header = np.array([0x0800 + values.ndim, *values.shape], dtype=">i4").tobytes()
        path.write_bytes(header + values.astype(np.uint8).tobytes())

    return write


@pytest.fixture
def write_mnist(write_idx):
    """A partial copy: image i is filled with i, its label is i mod 10."""

    def write(raw: Path, train: int, test: int) -> None:
        for prefix, samples in (("train", train), ("t10k", test)):
            level = np.arange(samples)
            write_idx(raw / f"{prefix}-images-idx3-ubyte", np.broadcast_to(level[:, None, None], (samples, 28, 28)))
            write_idx(raw / f"{prefix}-labels-idx1-ubyte", level % 10)

    return write


@pytest.fixture
def write_cifar():
    """One batch: image i is filled with i, i + 1 and i + 2 in its three channels."""

    def write(path: Path, samples: int, *, key: str = "labels", classes: int = 10, protocol: int = 2) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        level = np.arange(samples)[:, None, None] + np.arange(3)[None, :, None]
        data = np.broadcast_to(level, (samples, 3, 1024)).reshape(samples, 3072).astype(np.uint8)
        batch = {"data": data, key: [i % classes for i in range(samples)], "filenames": ["a.png"] * samples}
        path.write_bytes(pickle.dumps(batch, protocol=protocol))

    return write

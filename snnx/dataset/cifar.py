"""Reads the pickled batches in which CIFAR-10 and CIFAR-100 are published."""

import codecs
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

# The functions that a pickled array needs, and no others, because a pickle can call any function that it can name. We get them
# from NumPy's own `__reduce_ex__`, so that neither its old nor its new private module has to be imported.
ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): np.empty(1).__reduce_ex__(2)[0],
    ("numpy.core.numeric", "_frombuffer"): np.empty(1).__reduce_ex__(5)[0],
    ("_codecs", "encode"): codecs.encode,
}


class ArrayUnpickler(pickle.Unpickler):
    """Unpickles numbers, strings, lists, dicts and arrays, and rejects everything else."""

    def find_class(self, module: str, name: str) -> object:
        key = (module.replace("numpy._core", "numpy.core"), name)
        if key not in ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of an array")
        return ALLOWED[key]


def read(paths: Iterable[Path]) -> tuple[Tensor, Tensor]:
    """Return the images `[N, 3, 32, 32]`, uint8, and labels `[N]`, int64, of several batches, concatenated.

    Raises:
        ValueError: a file is truncated, or is not a CIFAR batch.
    """
    batches = [_read_batch(path) for path in paths]
    return torch.cat([images for images, _ in batches]), torch.cat([labels for _, labels in batches])


def samples_in(path: Path) -> int:
    """Return the number of samples in one batch."""
    return len(_read_batch(path)[1])


def _read_batch(path: Path) -> tuple[Tensor, Tensor]:
    try:
        with path.open("rb") as file:
            return _unpack(file)
    except (pickle.UnpicklingError, AttributeError, EOFError, IndexError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path}: must be a complete CIFAR batch; got {reason}; remove it and fetch it again") from None


def _unpack(file: BinaryIO) -> tuple[Tensor, Tensor]:
    batch = ArrayUnpickler(file, encoding="latin1").load()  # the publisher wrote them under Python 2
    labels = batch["fine_labels"] if "fine_labels" in batch else batch["labels"]
    images = torch.from_numpy(np.array(batch["data"], dtype=np.uint8).reshape(-1, 3, 32, 32))
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images and {len(labels)} labels")
    return images, torch.tensor(labels)

"""Reads samples that stay in a file; the operating system caches as much of the file as fits in memory."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from snnx.dataset.room import has_room


class Mapped:
    """Rows of an array on disk that are read batch by batch.

    Pages of the file that have been read stay in the page cache until the memory is needed, and all processes of a machine
    share them. If all rows take at most half of a GPU's free memory, they are copied to it once.

    Shape:
        an array `[N, *]`; `mapped[chosen]` is `[len(chosen), *]`.

    Args:
        array: an array from `np.load(path, mmap_mode="c")`.
        index: the rows to use, in this order; None for all.

    Example:
        >>> some = Mapped(np.array([[0], [10], [20]])).rows(torch.tensor([2, 0]))
        >>> len(some), some.shape, some[torch.tensor([1, 0])].tolist(), some[:1].tolist()
        (2, (2, 1), [[0], [20]], [[20]])
    """

    device = torch.device("cpu")

    def __init__(self, array: np.ndarray, index: Tensor | None = None) -> None:
        self.array = array
        self.index = torch.arange(len(array)) if index is None else index

    @classmethod
    def load(cls, path: Path) -> "Mapped":
        """Map all rows of a `.npy` file."""
        return cls(np.load(path, mmap_mode="c"))  # "c" is copy-on-write, so nobody can change the file by mistake

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.index), *self.array.shape[1:])

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, chosen: Tensor | slice) -> Tensor:
        return torch.from_numpy(self.array[self.index[chosen].numpy()])

    def reading(self, chosen: Tensor | slice) -> Callable[[], Tensor]:
        """Return a function that reads `self[chosen]` and draws no random numbers, so that another thread can call it."""
        return lambda: self[chosen]

    def rows(self, index: Tensor) -> "Mapped":
        """Return some of these rows, still on disk."""
        return Mapped(self.array, self.index[index])

    def to(self, device: torch.device) -> "Mapped | Tensor":
        """Return all rows as a tensor on the GPU if it has room for them; otherwise return this object."""
        if device.type != "cuda":
            return self
        return self[:].to(device) if has_room(device, self.array[:1].nbytes * len(self)) else self

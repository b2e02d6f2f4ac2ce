"""Samples that stay in a file, of which the operating system keeps in memory what fits."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor


class Mapped:
    """Some rows of an array on the disk, read batch by batch.

    The pages of the file that were read stay in memory as long as nothing else needs it, and all processes of a machine
    share them. A GPU that has room for all rows twice gets them once and for all.

    Shape:
        an array `[N, *]`; `mapped[chosen]` is `[len(chosen), *]`.

    Args:
        array: as `np.load(path, mmap_mode="c")` gives it.
        index: which rows, in which order; None for all.

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
        """All rows of a `.npy` file."""
        return cls(np.load(path, mmap_mode="c"))  # c: private, so that no one can write into the file by mistake

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.index), *self.array.shape[1:])

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, chosen: Tensor | slice) -> Tensor:
        return torch.from_numpy(self.array[self.index[chosen].numpy()])

    def rows(self, index: Tensor) -> "Mapped":
        """Some of these rows, still on the disk."""
        return Mapped(self.array, self.index[index])

    def to(self, device: torch.device) -> "Mapped | Tensor":
        """All rows as a tensor on a GPU with room for them; otherwise as they are."""
        if device.type != "cuda":
            return self
        size = self.array[:1].nbytes * len(self)
        free, _ = torch.cuda.mem_get_info(device)
        return self[:].to(device) if 2 * size < free else self

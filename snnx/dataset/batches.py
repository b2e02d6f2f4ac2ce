"""Yields batches of samples that are already on the right device, or that are read ahead for a GPU."""

from collections.abc import Callable, Iterator
from functools import partial

from torch import Tensor

from snnx.dataset.read_ahead import read_ahead
from snnx.dataset.rows import Samples, reading


class Batches:
    """Divides labelled images into batches by indexing, without worker processes and without Python code for each sample.

    It can be iterated several times. A last, smaller batch is kept.

    Shape:
        yields `([b, C, H, W], [b])`, b = `batch_size` or less.

    Args:
        images: `[N, C, H, W]`, in memory or in files.
        labels: `[N]`, on the same device.
        batch_size: at least 1.
        order: returns a permutation of 0..N-1 and is called at the start of each iteration; None keeps the stored order.
        drop_single: whether to leave out the last batch if some process would get a single sample of it, since BatchNorm cannot
            be trained with one sample.
        share: rank of this process and number of processes; each takes its part of every batch, so that all take the same
            number of steps.
        ahead: whether a thread reads the next batch into pinned memory while the present one is computed; for samples that
            are on the CPU while the network is on a GPU.

    Raises:
        ValueError: `batch_size` is smaller than the number of processes.

    Example:
        >>> import torch
        >>> batches = Batches(torch.zeros(5, 1, 2, 2), torch.arange(5), batch_size=2)
        >>> len(batches), [labels.tolist() for _, labels in batches]
        (3, [[0, 1], [2, 3], [4]])
        >>> batches = Batches(torch.zeros(5, 1, 2, 2), torch.arange(5), batch_size=2, drop_single=True,
        ...                   order=lambda: torch.arange(5).flip(0))
        >>> len(batches), [labels.tolist() for _, labels in batches]
        (2, [[4, 3], [2, 1]])
    """

    def __init__(
        self,
        images: Samples,
        labels: Tensor,
        *,
        batch_size: int,
        order: Callable[[], Tensor] | None = None,
        drop_single: bool = False,
        share: tuple[int, int] = (0, 1),
        ahead: bool = False,
    ) -> None:
        self.images = images
        self.labels = labels
        self.batch_size = batch_size
        self.order = order
        self.ahead = ahead
        self.rank, self.ranks = share
        if batch_size < self.ranks:
            raise ValueError(f"Batches: batch_size must be at least {self.ranks}, the number of processes; got {batch_size}")
        rest = len(labels) % batch_size  # 0 if batch_size is 1
        too_few = rest < 2 * self.ranks and len(labels) > rest
        self.samples = len(labels) - (rest if drop_single and too_few else 0)

    def __len__(self) -> int:
        return -(-self.samples // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        readings = self._readings()
        yield from read_ahead(readings) if self.ahead else (read() for read in readings)

    def _readings(self) -> Iterator[Callable[[], tuple[Tensor, Tensor]]]:
        """Yield a function for each batch that reads it; random numbers that it needs are drawn before it is yielded."""
        order = None if self.order is None else self.order()
        if order is not None and self.images.device.type == "cuda":
            order = order.pin_memory().to(self.images.device, non_blocking=True)  # without waiting for the GPU
        for start in range(0, self.samples, self.batch_size):
            chosen = slice(start + self.rank, min(start + self.batch_size, self.samples), self.ranks)
            index = chosen if order is None else order[chosen]
            yield partial(_read, reading(self.images, index), self.labels, index)


def _read(images: Callable[[], Tensor], labels: Tensor, index: Tensor | slice) -> tuple[Tensor, Tensor]:
    return images(), labels[index]

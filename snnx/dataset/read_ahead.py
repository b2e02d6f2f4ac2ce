"""Reads batches for a GPU ahead of its computing."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

Batch = tuple[Tensor, Tensor]


def read_ahead(readings: Iterable[Callable[[], Batch]]) -> Iterator[Batch]:
    """Yield the batches of these functions in their order, in pinned memory; a thread reads the next while one is used.

    From pinned memory a batch is copied to a GPU while the host goes on, if the copy is `non_blocking`, as Lightning's is.
    An error while a batch is read is raised when that batch would have been yielded.
    """
    with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(torch.get_num_threads(),)) as reader:
        coming = None
        for read in readings:
            following = reader.submit(_pinned, read)
            if coming is not None:
                yield coming.result()
            coming = following
        if coming is not None:
            yield coming.result()


def _pinned(read: Callable[[], Batch]) -> Batch:
    images, labels = read()
    return images.pin_memory(), labels.pin_memory()

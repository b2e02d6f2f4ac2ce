"""Selects samples, which are a tensor in memory or rows of a file."""

from collections.abc import Callable

import torch
from torch import Tensor

from snnx.dataset.mapped import Mapped

Samples = Tensor | Mapped


def rows(samples: Samples, index: Tensor) -> Samples:
    """Return the samples at these positions, without reading a file.

    Example:
        >>> rows(torch.tensor([5, 6, 7]), torch.tensor([2, 0]))
        tensor([7, 5])
    """
    return samples.rows(index) if isinstance(samples, Mapped) else samples[index]


def reading(samples: Samples, chosen: Tensor | slice) -> Callable[[], Tensor]:
    """Return a function that reads these samples; random numbers that it needs are drawn now."""
    return samples.reading(chosen) if isinstance(samples, Mapped) else lambda: samples[chosen]


def row_numbers(samples: Samples) -> list[Tensor]:
    """Return which rows of their file the samples are, as one tensor; an empty list if they are the file's first rows,
    in order.

    Example:
        >>> row_numbers(torch.tensor([5, 6, 7]))
        []
    """
    if not isinstance(samples, Mapped) or torch.equal(samples.index, torch.arange(len(samples.index))):
        return []
    return [samples.index]

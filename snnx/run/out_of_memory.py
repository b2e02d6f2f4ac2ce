"""Says which batch size would have fit when a training step needs more memory than the GPU has."""

from collections.abc import Callable

import pytorch_lightning as pl
import torch

from snnx.method.base import Method


def too_large(method: Method, data: pl.LightningDataModule) -> str:
    """Return one line that names the largest of the batch sizes B, B/2, B/4, ... with which a training step fits.

    Args:
        method: the method whose training step ran out of memory, on its device.
        data: the data module with the batch size B.
    """
    images, labels = next(iter(data.train_dataloader()))
    size = len(images)

    def step(number: int) -> None:
        batch = data.on_after_batch_transfer((images[:number].to(method.device), labels[:number].to(method.device)), 0)
        method.scores_and_loss(*batch)[1].backward()

    fits = largest(step, size // 2)
    found = f"a step with {fits} fits" if fits else "not even a step with 1 fits"
    advice = f"set dataset.batch_size={fits}, or lower budget.width or timesteps" if fits else "lower budget.width or timesteps"
    return f"the memory of {method.device} must be enough for dataset.batch_size; got {size}, and {found}: {advice}"


def largest(step: Callable[[int], object], start: int) -> int:
    """Return the first of `start`, `start / 2`, `start / 4`, ... 1 for which `step` has enough memory; 0 if none has.

    Example:
        >>> def step(number):
        ...     if number > 10:
        ...         raise torch.OutOfMemoryError
        >>> largest(step, 64), largest(step, 0)
        (8, 0)
    """
    while start:
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        try:
            step(start)
        except torch.OutOfMemoryError:
            start //= 2
        else:
            return start
    return 0

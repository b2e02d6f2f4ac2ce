"""Says which batch size would have fit when a step needs more memory than the GPU has."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytorch_lightning as pl
import torch

from snnx.method.base import Method


@contextmanager
def trained_within_memory(trainer: pl.Trainer, method: Method, data: pl.LightningDataModule) -> Iterator[None]:
    """Name the largest batch size with which a training step fits, if a training runs out of memory.

    Raises:
        torch.OutOfMemoryError: the training needs more memory than there is.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        traceback.clear_frames(error.__traceback__)  # their variables hold the tensors of the failed step
        raise torch.OutOfMemoryError(_too_large(trainer, method, data)) from error


@contextmanager
def evaluated_within_memory(trainer: pl.Trainer, data: pl.LightningDataModule) -> Iterator[None]:
    """Name the settings that decide how much memory a test needs, if it runs out of memory.

    Raises:
        torch.OutOfMemoryError: the test needs more memory than there is.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        size = len(next(iter(data.test_dataloader()))[1])
        raise torch.OutOfMemoryError(
            f"the memory of {trainer.strategy.root_device} must be enough for a test with dataset.batch_size; got {size}, with "
            f"which the training fits: choose fewer metrics or lower dataset.batch_size"
        ) from error


def _too_large(trainer: pl.Trainer, method: Method, data: pl.LightningDataModule) -> str:
    device, processes = trainer.strategy.root_device, trainer.world_size
    method.to(device).train()  # Lightning has moved it to the CPU
    for optimizer in trainer.optimizers:
        optimizer.state.clear()  # it was moved to the CPU too; the next step makes it again
    batch = next(iter(data.train_dataloader()))
    size = len(batch[1])

    def step(number: int) -> None:
        method.zero_grad()
        images, labels = data.transfer_batch_to_device((batch[0][:number], batch[1][:number]), device, 0)
        with trainer.precision_plugin.train_step_context():
            loss = method.scores_and_loss(*data.on_after_batch_transfer((images, labels), 0))[1]
        loss.backward()
        for optimizer in trainer.optimizers:
            optimizer.step()

    fits = largest(step, size) * processes
    if fits == size * processes:
        return (
            f"the memory of {device} must be enough for dataset.batch_size; got {fits}, with which a training step fits, so a "
            "validation or another process needs more: lower dataset.batch_size"
        )
    found = f"{fits} is the largest that fits" if fits else "not even a step with 1 fits"
    advice = f"set dataset.batch_size={fits}, or lower budget.width or timesteps" if fits else "lower budget.width or timesteps"
    return f"the memory of {device} must be enough for dataset.batch_size; got {size * processes}, and {found}: {advice}"


def largest(step: Callable[[int], object], most: int) -> int:
    """Return the largest number up to `most` for which `step` has enough memory; 0 if there is none.

    It halves an interval at each trial, so `step` must have enough memory for each number below one that fits.

    Example:
        >>> def step(number):
        ...     if number > 10:
        ...         raise torch.OutOfMemoryError
        >>> largest(step, 63), largest(step, 7), largest(step, 0)
        (10, 7, 0)
    """
    fits = 0
    while fits < most:
        trial = (fits + most + 1) // 2
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        try:
            step(trial)
        except torch.OutOfMemoryError:
            most = trial - 1
        else:
            fits = trial
    return fits

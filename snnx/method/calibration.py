"""Yields the training samples from which a method computes scales or thresholds."""

import math
from collections.abc import Iterator
from contextlib import nullcontext

import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor

from snnx.dataset.labelled import Labelled


def calibration_images(data: LightningDataModule, device: torch.device, count: int | None) -> Iterator[Tensor]:
    """Yield the first training images in the run's order, without augmentation, as the network receives them.

    Args:
        data: the data module. The augmentation of a `Labelled` one is switched off; any other must switch it off itself.
        device: where the images are needed.
        count: how many images; `None` for all.

    Shape:
        yields `[B, C, H, W]`.
    """
    left = math.inf if count is None else count
    plain = data.without_augmentation if isinstance(data, Labelled) else nullcontext
    with plain():
        batches = data.train_dataloader()
    for batch in batches:
        with plain():
            images = data.on_after_batch_transfer(tuple(tensor.to(device) for tensor in batch), 0)[0]
        images = images[: min(left, len(images))]
        yield images
        left -= len(images)
        if not left:
            return

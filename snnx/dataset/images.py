"""Labelled images that fit into memory: the data module of MNIST, CIFAR and similar data sets."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from snnx.dataset.labelled import Augmentation, Labelled
from snnx.dataset.published import locate


class Images(Labelled):
    """Keeps a data set as bytes on the training device, where each batch is converted to floats, augmented and normalised.

        x = byte / 255;  in training x, y = augmentation(x, y);  if normalize x = (x - mean) / std

    Shape:
        loaders yield uint8 `[B, C, H, W]` and labels `[B]`; after the transfer, float32 in [0, 1] unless normalised.

    Args:
        root, batch_size, validation, augmentation, seed, split_seed, samples: see `Labelled`.
        normalize: whether to subtract `mean` and divide by `std`; only for encodings that accept any real values.
        mean: mean of each channel, if a recipe uses another one than that of the training set.
        std: the same for the standard deviation.

    Raises:
        ValueError: an argument is out of range, or a file is damaged.
        NoData: a file is missing.
    """

    shape: ClassVar[tuple[int, int, int]]  # C, H, W
    mean: tuple[float, ...]  # of the official training set, after division by 255
    std: tuple[float, ...]

    def __init__(
        self,
        *,
        root: str | None = None,
        batch_size: int,
        validation: float,
        normalize: bool,
        augmentation: Augmentation,
        seed: int,
        split_seed: int = 0,
        samples: float = 1.0,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        super().__init__(
            root=root,
            batch_size=batch_size,
            validation=validation,
            augmentation=augmentation,
            seed=seed,
            split_seed=split_seed,
            samples=samples,
        )
        self.mean = self.mean if mean is None else tuple(float(value) for value in mean)
        self.std = self.std if std is None else tuple(float(value) for value in std)
        if not len(self.mean) == len(self.std) == self.shape[0]:
            name = type(self).__name__
            raise ValueError(f"{name}: mean and std must have {self.shape[0]} values each; got {self.mean} and {self.std}")
        self.normalize = normalize

    def located(self) -> list[Path]:
        """Return the data set's files below `root`."""
        return locate(self.root, self.files, dataset=type(self).__module__.rpartition(".")[2])

    def sources(self) -> list[Path]:
        return self.located()

    def setup(self, stage: str | None = None) -> None:
        super().setup(stage)
        self._shift, self._scale = (torch.tensor(x, device=self.device).view(-1, 1, 1) for x in (self.mean, self.std))

    def on_after_batch_transfer(self, batch: tuple[Tensor, Tensor], dataloader_idx: int) -> tuple[Tensor, Tensor]:
        images, labels = batch
        images, labels = self.augmented(images.float().div_(255), labels)
        if self.normalize:
            images = images.sub(self._shift).div_(self._scale)
        return images, labels

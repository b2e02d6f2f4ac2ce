"""The data module of MNIST, CIFAR and similar data sets: labelled images in memory, or decoded from their files."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from snnx.augmentation.augmentation import Augmentation
from snnx.dataset.labelled import Labelled
from snnx.dataset.mean_std import mean_std
from snnx.dataset.published import locate
from snnx.dataset.rows import Samples


class Images(Labelled):
    """Keeps a data set as integers, if possible on the training device, where batches become floats, augmented and normalised.

        uint8: x = n / 255;  int16: x = (n + 32768) / 65535
        in training x, y = augmentation(x, y);  if normalize x = (x - mean) / std

    Pictures of 16 bits are stored as int16, after 32768 is subtracted, because torch cannot index uint16 on every device.

    Shape:
        loaders yield uint8 or int16 `[B, C, H, W]` and labels `[B]`; after the transfer, float32 in [0, 1] unless normalised.

    Args:
        root, batch_size, validation, augmentation, seed, split_seed, samples: see `Labelled`.
        normalize: whether to subtract `mean` and divide by `std`; only for encodings that accept any real values.
        mean: mean of each channel, if a recipe uses another one than that of the training set.
        std: the same for the standard deviation.

    Attributes:
        mean, std: as used. If neither the class nor the argument states one, `setup` computes it from the training samples in
            use, and `facts` contains it.

    Raises:
        ValueError: an argument is out of range, a file is damaged, or all training pixels of a channel are equal and
            `normalize` is set.
        NoData: a file is missing.
    """

    mean: tuple[float, ...] | None = None  # of the official training set, with pixels in [0, 1]
    std: tuple[float, ...] | None = None

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
        if any(stated is not None and len(stated) != self.shape[0] for stated in (self.mean, self.std)):
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
        if self.normalize:
            self._shift, self._scale = (torch.tensor(x, device=self.device).view(-1, 1, 1) for x in (self.mean, self.std))

    def on_after_batch_transfer(self, batch: tuple[Tensor, Tensor], dataloader_idx: int) -> tuple[Tensor, Tensor]:
        images, labels = batch
        span = torch.iinfo(images.dtype)
        images, labels = self.augmented(images.float().sub_(span.min).div_(span.max - span.min), labels)
        if self.normalize:
            images = images.sub(self._shift).div_(self._scale)
        return self.typed(images, labels)

    def _cut(self, official: dict[str, tuple[Samples, Tensor]]) -> dict[str, tuple[Samples, Tensor]]:
        for part, (images, _) in official.items():
            if isinstance(images, Tensor) and images.dtype not in (torch.uint8, torch.int16):
                raise ValueError(f"{type(self).__name__}: {part} images must be uint8 or int16; got {images.dtype}")
        parts = super()._cut(official)
        if self.normalize and None in (self.mean, self.std):
            mean, std = mean_std(parts["train"][0])
            if not all(std):
                raise ValueError(
                    f"{type(self).__name__}: normalize must be false if all training pixels of a channel are equal; "
                    f"got standard deviations {std}"
                )
            self.mean, self.std = self.mean or mean, self.std or std
            self.facts |= {"mean": self.mean, "std": self.std}
        return parts

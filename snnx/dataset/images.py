"""Labelled images that fit into memory: the data module behind MNIST, CIFAR and their like."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import pytorch_lightning as pl
import torch
from torch import Tensor

from snnx.dataset.batches import Batches
from snnx.dataset.published import PublishedFile, locate
from snnx.dataset.split import balanced_order, fingerprint

Augmentation = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Images(pl.LightningDataModule):
    """Keeps a data set as bytes on the training device; batches become floats, distorted and normalised, only there.

        x = byte / 255;  in training x, y = augmentation(x, y);  if normalize x = (x - mean) / std

    The validation set is cut from the official training set by a fixed seed, class-balanced, never from the test set.
    The order of training samples depends on (seed, epoch) alone: a resumed run sees what an undisturbed one would.

    Shape:
        loaders yield uint8 `[B, C, H, W]` and labels `[B]`; after the transfer, float32 in [0, 1] unless normalised.

    Args:
        root: folder that holds the data set's own folder.
        batch_size: samples a batch, at least 1.
        validation: fraction of the official training set held out, in [0, 1); 0 means no validation set.
        normalize: subtract `mean` and divide by `std`; only for encodings that take any real values.
        augmentation: distorts a training batch, `(images, labels) -> (images, labels)`, images in [0, 1].
        seed: of the order of training samples.
        split_seed: of the validation split and of which samples a reduced budget keeps.
        samples: fraction of each part that is used, in (0, 1]; class-balanced.
        mean: of each channel, where a recipe differs from the training set's own.
        std: likewise.

    Attributes:
        split_counts: samples in use, `{"train": n, "val": n, "test": n}`; after `setup`.
        split_hash: names these very samples; after `setup`.
        test_index: place of each test sample in the official file; after `setup`.

    Raises:
        ValueError: an argument leaves its range, or a file is not what it should be.
        NoData: a file is missing.
    """

    classes: ClassVar[int]
    shape: ClassVar[tuple[int, int, int]]  # C, H, W
    counts: ClassVar[tuple[int, int]]  # samples of the official training and test set
    mean: tuple[float, ...]  # of the official training set, after division by 255
    std: tuple[float, ...]
    files: ClassVar[tuple[PublishedFile, ...]] = ()

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
        super().__init__()
        name = type(self).__name__
        if batch_size < 1:
            raise ValueError(f"{name}: batch_size must be at least 1; got {batch_size}")
        if not 0 <= validation < 1:
            raise ValueError(f"{name}: validation must lie in [0, 1); got {validation}")
        if not 0 < samples <= 1:
            raise ValueError(f"{name}: samples must lie in (0, 1]; got {samples}")
        self.mean = self.mean if mean is None else tuple(float(value) for value in mean)
        self.std = self.std if std is None else tuple(float(value) for value in std)
        if not len(self.mean) == len(self.std) == self.shape[0]:
            raise ValueError(f"{name}: mean and std must have {self.shape[0]} values each; got {self.mean} and {self.std}")
        self.root = root
        self.batch_size = batch_size
        self.validation = validation
        self.normalize = normalize
        self.augmentation = augmentation
        self.seed = seed
        self.split_seed = split_seed
        self.samples = samples
        self._parts: dict[str, tuple[Tensor, Tensor]] = {}

    def read(self) -> dict[str, tuple[Tensor, Tensor]]:
        """The official parts, `{"train": (images, labels), "test": (images, labels)}`; what a data set defines."""
        raise NotImplementedError

    def located(self) -> list[Path]:
        """The data set's files below `root`."""
        return locate(self.root, self.files, dataset=type(self).__module__.rpartition(".")[2])

    def setup(self, stage: str | None = None) -> None:
        if not self._parts:
            self._parts = self._cut(self.read())
        if self.trainer is not None and self.split_counts["val"] == 0:
            self.trainer.limit_val_batches = 0  # Lightning's word for no validation: it warns of an empty loader
        device = torch.device("cpu") if self.trainer is None else self.trainer.strategy.root_device
        self._parts = {name: (images.to(device), labels.to(device)) for name, (images, labels) in self._parts.items()}
        self._shift, self._scale = (torch.tensor(x, device=device).view(-1, 1, 1) for x in (self.mean, self.std))

    def train_dataloader(self) -> Batches:
        images, labels = self._parts["train"]
        share = (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)
        return Batches(images, labels, batch_size=self.batch_size, order=self.train_order, drop_single=True, share=share)

    def val_dataloader(self) -> Batches:
        images, labels = self._parts["val"]
        return Batches(images, labels, batch_size=self.batch_size)

    def test_dataloader(self) -> Batches:
        images, labels = self._parts["test"]
        return Batches(images, labels, batch_size=self.batch_size)

    def train_order(self) -> Tensor:
        """The order of the training samples in the epoch that begins now."""
        # current_epoch would still be one less right after a resume
        epoch = 0 if self.trainer is None else self.trainer.fit_loop.epoch_progress.current.processed
        generator = torch.Generator().manual_seed(self.seed * 1_000_000 + epoch)  # no run has a million epochs
        return torch.randperm(self.split_counts["train"], generator=generator)

    def on_after_batch_transfer(self, batch: tuple[Tensor, Tensor], dataloader_idx: int) -> tuple[Tensor, Tensor]:
        images, labels = batch
        images = images.float().div_(255)
        if self.trainer is not None and self.trainer.training:
            images, labels = self.augmentation(images, labels)
        if self.normalize:
            images = images.sub(self._shift).div_(self._scale)
        return images, labels

    def _cut(self, official: dict[str, tuple[Tensor, Tensor]]) -> dict[str, tuple[Tensor, Tensor]]:
        for part, (images, labels) in official.items():
            self._check(part, images, labels)
        order = balanced_order(official["train"][1], self.split_seed)
        held_out = min(round(self.validation * len(order)), len(order) - 1)
        chosen = {
            "train": self._budget(order[held_out:]),
            "val": self._budget(order[:held_out]),
            "test": self._budget(balanced_order(official["test"][1], self.split_seed)),
        }
        self.split_counts = {name: len(index) for name, index in chosen.items()}
        self.test_index = chosen["test"]
        self.split_hash = fingerprint([*chosen.values(), *(labels for _, labels in official.values())])
        source = {"train": "train", "val": "train", "test": "test"}
        return {name: tuple(whole[index] for whole in official[source[name]]) for name, index in chosen.items()}

    def _budget(self, order: Tensor) -> Tensor:
        """A fraction of the samples, at least one, back in the order of the file: test sample 7 stays recognisable."""
        return order[: max(1, round(self.samples * len(order)))].sort().values

    def _check(self, part: str, images: Tensor, labels: Tensor) -> None:
        name = type(self).__name__
        if tuple(images.shape[1:]) != self.shape:
            raise ValueError(f"{name}: {part} images must be {self.shape}; got {tuple(images.shape[1:])}")
        if labels.ndim != 1 or len(labels) != len(images) or len(labels) == 0:
            raise ValueError(f"{name}: {part} must have a label for each image; got {len(images)} and {labels.numel()}")
        if not 0 <= labels.min() <= labels.max() < self.classes:
            raise ValueError(f"{name}: {part} labels must lie in 0..{self.classes - 1}; got {labels.min()} to {labels.max()}")

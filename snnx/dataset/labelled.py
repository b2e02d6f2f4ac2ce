"""Labelled samples in three parts: what every data set shares, whatever a sample is."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytorch_lightning as pl
import torch
from torch import Tensor

from snnx.dataset.batches import Batches
from snnx.dataset.content import content, folders, stamp
from snnx.dataset.mapped import Mapped
from snnx.dataset.published import PublishedFile
from snnx.dataset.split import balanced_order, fingerprint

Augmentation = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
Samples = Tensor | Mapped


class Labelled(pl.LightningDataModule):
    """Cuts a data set into training, validation and test samples, and feeds them in an order that can be had again.

    The validation set is cut from the official training set by a fixed seed, class-balanced, never from the test set.
    The order of training samples depends on (seed, epoch) alone: a resumed run sees what an undisturbed one would.

    Args:
        root: folder that holds the data set's own folder.
        batch_size: samples a batch, at least 1.
        validation: fraction of the official training set held out, in [0, 1); 0 means no validation set.
        augmentation: distorts a training batch, `(images, labels) -> (images, labels)`.
        seed: of the order of training samples.
        split_seed: of the validation split and of which samples a reduced budget keeps.
        samples: fraction of each part that is used, in (0, 1]; class-balanced.

    Attributes:
        shape: `(C, H, W)` that the network sees at one time step.
        facts: what stands beside the counts in `result.json`; after `setup`.
        names: of the files that samples come from, where another copy may have others; after `read`.
        split_counts: samples in use, `{"train": n, "val": n, "test": n}`; after `setup`.
        split_hash: names these very samples; after `setup`.
        test_index: place of each test sample in the official file; after `setup`.

    Raises:
        ValueError: an argument leaves its range, or a file is not what it should be.
        NoData: a file is missing.
    """

    classes: ClassVar[int]
    counts: ClassVar[tuple[int, int]]  # samples of the official training and test set
    files: ClassVar[tuple[PublishedFile, ...]] = ()
    shape: tuple[int, int, int]

    def __init__(
        self,
        *,
        root: str | None,
        batch_size: int,
        validation: float,
        augmentation: Augmentation,
        seed: int,
        split_seed: int,
        samples: float,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if batch_size < 1:
            raise ValueError(f"{name}: batch_size must be at least 1; got {batch_size}")
        if not 0 <= validation < 1:
            raise ValueError(f"{name}: validation must lie in [0, 1); got {validation}")
        if not 0 < samples <= 1:
            raise ValueError(f"{name}: samples must lie in (0, 1]; got {samples}")
        self.root = root
        self.batch_size = batch_size
        self.validation = validation
        self.augmentation = augmentation
        self.seed = seed
        self.split_seed = split_seed
        self.samples = samples
        self.facts: dict[str, object] = {}
        self.names: list[str] = []
        self._parts: dict[str, tuple[Samples, Tensor]] = {}

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample as the loaders yield it."""
        return self.shape

    def read(self) -> dict[str, tuple[Samples, Tensor]]:
        """The official parts, `{"train": (samples, labels), "test": (samples, labels)}`; what a data set defines."""
        raise NotImplementedError

    def sources(self) -> list[Path]:
        """The files that samples come from; what a data set defines."""
        raise NotImplementedError

    def content(self) -> dict[str, object]:
        """What the files hold now, and what to look at to see whether they still do.

        Returns:
            `content`, a digest of their bytes; `stamp`, of their sizes and times of change in the `folders` where they lie.
        """
        root, files = Path(self.root or ".").expanduser().absolute(), self.sources()
        where = folders(files, root)
        return {"content": content(files, root), "folders": where, "stamp": stamp(root, where)}

    def setup(self, stage: str | None = None) -> None:
        if not self._parts:
            self._parts = self._cut(self.read())
        if self.trainer is not None and self.split_counts["val"] == 0:
            self.trainer.limit_val_batches = 0  # Lightning's word for no validation: it warns of an empty loader
        self._parts = {
            name: (samples.to(self.device), labels.to(self.device)) for name, (samples, labels) in self._parts.items()
        }

    @property
    def device(self) -> torch.device:
        """Where training happens."""
        return torch.device("cpu") if self.trainer is None else self.trainer.strategy.root_device

    def train_dataloader(self) -> Batches:
        samples, labels = self._parts["train"]
        share = (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)
        return Batches(samples, labels, batch_size=self.batch_size, order=self.train_order, drop_single=True, share=share)

    def val_dataloader(self) -> Batches:
        return Batches(*self._parts["val"], batch_size=self.batch_size)

    def test_dataloader(self) -> Batches:
        return Batches(*self._parts["test"], batch_size=self.batch_size)

    def train_order(self) -> Tensor:
        """The order of the training samples in the epoch that begins now."""
        # current_epoch would still be one less right after a resume
        epoch = 0 if self.trainer is None else self.trainer.fit_loop.epoch_progress.current.processed
        generator = torch.Generator().manual_seed(self.seed * 1_000_000 + epoch)  # no run has a million epochs
        return torch.randperm(self.split_counts["train"], generator=generator)

    def augmented(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The batch `[B, C, H, W]`, distorted if it is trained on."""
        training = self.trainer is not None and self.trainer.training
        return self.augmentation(images, labels) if training else (images, labels)

    def share(self, there: int) -> float:
        """The fraction of the samples that is used, of which so many are on this machine."""
        return self.samples

    def _cut(self, official: dict[str, tuple[Samples, Tensor]]) -> dict[str, tuple[Samples, Tensor]]:
        for part, (samples, labels) in official.items():
            self._check(part, samples, labels)
        order = balanced_order(official["train"][1], self.split_seed)
        held_out = min(round(self.validation * len(order)), len(order) - 1)
        share = self.share(sum(len(labels) for _, labels in official.values()))
        chosen = {
            "train": _first(share, order[held_out:]),
            "val": _first(share, order[:held_out]),
            "test": _first(share, balanced_order(official["test"][1], self.split_seed)),
        }
        self.split_counts = {name: len(index) for name, index in chosen.items()}
        self.test_index = chosen["test"]
        rows = [
            samples.index for samples, _ in official.values() if isinstance(samples, Mapped)
        ]  # what is test, may be a choice
        self.split_hash = fingerprint([*chosen.values(), *(labels for _, labels in official.values()), *rows], self.names)
        source = {"train": official["train"], "val": official["train"], "test": official["test"]}
        return {name: (_rows(source[name][0], index), source[name][1][index]) for name, index in chosen.items()}

    def _check(self, part: str, samples: Samples, labels: Tensor) -> None:
        name = type(self).__name__
        if tuple(samples.shape[1:]) != self.sample_shape:
            raise ValueError(f"{name}: {part} images must be {self.sample_shape}; got {tuple(samples.shape[1:])}")
        if labels.ndim != 1 or len(labels) != len(samples) or len(labels) == 0:
            raise ValueError(f"{name}: {part} must have a label for each image; got {len(samples)} and {labels.numel()}")
        if not 0 <= labels.min() <= labels.max() < self.classes:
            raise ValueError(f"{name}: {part} labels must lie in 0..{self.classes - 1}; got {labels.min()} to {labels.max()}")


def _first(share: float, order: Tensor) -> Tensor:
    """A fraction of the samples, at least one, back in the order of the file: test sample 7 stays recognisable."""
    return order[: max(1, round(share * len(order)))].sort().values


def _rows(samples: Samples, index: Tensor) -> Samples:
    return samples.rows(index) if isinstance(samples, Mapped) else samples[index]

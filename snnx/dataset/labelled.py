"""The base class of all data sets, of images and of events: splits labelled samples into three parts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytorch_lightning as pl
import torch
from torch import Tensor

from snnx.augmentation.augmentation import Augmentation
from snnx.dataset.batches import Batches
from snnx.dataset.content import by_file, content, digests, folders, stamp
from snnx.dataset.labels import require_labels, require_trained_classes
from snnx.dataset.published import PublishedFile
from snnx.dataset.room import has_room
from snnx.dataset.rows import Samples, row_numbers, rows
from snnx.dataset.split import balanced_order, fingerprint, numbered


class Labelled(pl.LightningDataModule):
    """Splits a data set into training, validation and test samples, and yields them in a reproducible order.

    If the data set has no validation part, one is taken from its training part with a fixed seed, class-balanced, and never
    from the test part. The order of training samples depends on seed and epoch only, so a resumed run sees the same order as
    an uninterrupted one.

    Args:
        root: folder that contains the data set's own folder.
        batch_size: samples per batch, at least 1.
        validation: fraction of the training part that is held out, in [0, 1); 0 means no validation set. A data set that has a
            validation part does not use it.
        augmentation: distorts a training batch, `(images, labels) -> (images, labels)`.
        seed: seed of the order of training samples.
        split_seed: seed of the validation split and of the choice of samples if `samples` is below 1.
        samples: fraction of each part that is used, in (0, 1]; class-balanced. A part keeps at least as many samples as
            there are classes, if it has them: two per cent of the 297 test samples of `digits` would be six for ten classes.

    Attributes:
        shape: `(C, H, W)` of the network's input at one time step.
        facts: further entries for `data` in `result.json`; set by `setup`.
        class_names: names of the classes, in the order of their numbers, if they are known.
        groups: for each sample of an official part, the group that it belongs to, such as all digits of one writer; verdicts
            count the samples of a group together. Set by `read` if groups are known.
        names: names of the files that the samples come from, if two copies may have different files; set by `read`.
        split_counts: number of samples in use, `{"train": n, "val": n, "test": n}`; set by `setup`.
        split_hash: digest that identifies these samples; set by `setup`.
        part_hash: the same for each part, `{"train": ..., "val": ..., "test": ...}`; set by `setup`.
        clusters: for each part whose `groups` are known, the number of each sample's group; set by `setup`.
        chance: share of the test samples that belong to the largest class, the accuracy of always naming it; set by `setup`.
        test_index: position of each test sample in the official file; set by `setup`.
        absent: classes of which this copy has no sample in any part; set by `setup`.

    Raises:
        ValueError: an argument is out of range, a file is damaged, or another part has a class that the training part lacks.
        NoData: a file is missing.
    """

    classes: int
    counts: ClassVar[tuple[int, int]]  # number of samples in the official training and test set
    files: ClassVar[tuple[PublishedFile, ...]] = ()
    shape: tuple[int, int, int]
    class_names: Sequence[str] | None = None
    plain = False  # see `without_augmentation`
    test_share = 1.0  # a further factor on the number of test samples, in (0, 1]; the choice is class-balanced

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
        self.groups: dict[str, list[str]] = {}
        self._parts: dict[str, tuple[Samples, Tensor]] = {}

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample that the loaders yield."""
        return self.shape

    def read(self) -> dict[str, tuple[Samples, Tensor]]:
        """Return the official parts, `{"train": (samples, labels), "test": (samples, labels)}`; each data set defines this.

        A data set that has a validation part returns it as `"val"`.
        """
        raise NotImplementedError

    def sources(self) -> list[Path]:
        """Return the files that the samples come from; each data set defines this."""
        raise NotImplementedError

    @classmethod
    def packed(cls, variant: str) -> list[tuple[str, str]]:
        """Return the path and md5 of each archive that `fetch` downloads, relative to the folder that it is given."""
        return []

    def content(self) -> dict[str, object]:
        """Return digests of the data set's files, by which a later change can be detected.

        Returns:
            `content`, a digest of the files' bytes; `folders`, where they are; `stamp`, a digest of the sizes and modification
            times of the files there; `files`, a digest of each file, or nothing if there are more than 1000. Folders and files
            are named relative to `root` if they are below it, and else by their whole path.
        """
        root = Path(self.root).expanduser().absolute() if self.root else None
        found = digests((path.absolute() for path in self.sources()), root)
        where = folders(found, root)
        return {"content": content(found, root), "folders": where, "stamp": stamp(root, where), "files": by_file(found, root)}

    def setup(self, stage: str | None = None) -> None:
        if not self._parts:
            self._parts = self._cut(self.read())
        if self.trainer is not None and self.split_counts["val"] == 0:
            self.trainer.limit_val_batches = 0  # no validation; with an empty loader Lightning would warn
        self._parts = {name: _placed(samples, labels, self.device) for name, (samples, labels) in self._parts.items()}

    @property
    def device(self) -> torch.device:
        """The device on which the network is trained."""
        return torch.device("cpu") if self.trainer is None else self.trainer.strategy.root_device

    def train_dataloader(self) -> Batches:
        samples, labels = self._parts["train"]
        share = (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)
        ahead = self._ahead("train")
        return Batches(
            samples, labels, batch_size=self.batch_size, order=self.train_order, drop_single=True, share=share, ahead=ahead
        )

    def val_dataloader(self) -> Batches:
        return Batches(*self._parts["val"], batch_size=self.batch_size, ahead=self._ahead("val"))

    def test_dataloader(self) -> Batches:
        return Batches(*self._parts["test"], batch_size=self.batch_size, ahead=self._ahead("test"))

    def _ahead(self, part: str) -> bool:
        """Whether the network is on a GPU but the samples of a part are not, because they are too large or in files."""
        return self.device.type == "cuda" and self._parts[part][0].device.type == "cpu"

    def train_order(self) -> Tensor:
        """Return the order of the training samples in the epoch that begins now."""
        # current_epoch cannot be used: it is one too low right after a resume
        epoch = 0 if self.trainer is None else self.trainer.fit_loop.epoch_progress.current.processed
        generator = torch.Generator().manual_seed(self.seed * 1_000_000 + epoch)  # no run has a million epochs
        return torch.randperm(self.split_counts["train"], generator=generator)

    def augmented(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the batch `[B, C, H, W]`; in training it is augmented, except within `without_augmentation`."""
        training = self.trainer is not None and self.trainer.training and not self.plain
        return self.augmentation(images, labels) if training else (images, labels)

    def typed(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the batch in the type of the trainer's precision, such as float64; labels of classes stay integers."""
        return (images, labels) if self.trainer is None else self.trainer.precision_plugin.convert_input((images, labels))

    @contextmanager
    def without_augmentation(self) -> Iterator[None]:
        """Switch the augmentation off within this context, for example while a network is calibrated during training."""
        before, self.plain = self.plain, True
        try:
            yield
        finally:
            self.plain = before

    def share(self, there: int) -> float:
        """Return the fraction of the samples to use, given how many there are on this machine."""
        return self.samples

    def _cut(self, official: dict[str, tuple[Samples, Tensor]]) -> dict[str, tuple[Samples, Tensor]]:
        name = type(self).__name__
        for part, (samples, labels) in official.items():
            require_labels(f"{name}: {part}", samples, labels, shape=self.sample_shape, classes=self.classes)
        counts = {part: labels.bincount(minlength=self.classes) for part, (_, labels) in official.items()}
        require_trained_classes(name, counts)
        self.absent = (sum(counts.values()) == 0).nonzero().flatten().tolist()
        order = {part: balanced_order(labels, self.split_seed) for part, (_, labels) in official.items()}
        if "val" not in official:
            held_out = min(round(self.validation * len(order["train"])), len(order["train"]) - 1)
            order |= {"train": order["train"][held_out:], "val": order["train"][:held_out]}
        share = self.share(sum(len(labels) for _, labels in official.values()))
        shares = {"train": share, "val": share, "test": share * self.test_share}
        chosen = {part: _first(shares[part], order[part], self.classes) for part in shares}
        self.split_counts = {name: len(index) for name, index in chosen.items()}
        self.test_index = chosen["test"]
        self.chance = float(official["test"][1][chosen["test"]].bincount().max()) / len(chosen["test"])
        numbers = [index for samples, _ in official.values() for index in row_numbers(samples)]
        self.split_hash = fingerprint([*chosen.values(), *(labels for _, labels in official.values()), *numbers], self.names)
        source = {"val": official["train"], **official}
        self.part_hash = {
            part: fingerprint([index, source[part][1][index], *row_numbers(source[part][0])], self.names)
            for part, index in chosen.items()
        }
        groups = {"val": self.groups.get("train"), **self.groups}
        self.clusters = {part: numbered(some, index) for part, index in chosen.items() if (some := groups.get(part))}
        return {name: (rows(source[name][0], index), source[name][1][index]) for name, index in chosen.items()}


def _first(share: float, order: Tensor, fewest: int) -> Tensor:
    """Return the first `share` of `order`, but at least `fewest` samples if there are enough, sorted as in the file."""
    return order[: max(fewest, round(share * len(order)))].sort().values


def _placed(samples: Samples, labels: Tensor, device: torch.device) -> tuple[Samples, Tensor]:
    """Return samples and labels on the device, or on the CPU if the samples are in files or a GPU has no room for them."""
    if not isinstance(samples, Tensor) or samples.device == device or has_room(device, samples.nbytes):
        samples = samples.to(device)
    return samples, labels.to(samples.device)

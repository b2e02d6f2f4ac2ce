"""The contracts of data sets: a data set fulfils them, and data sets with one mistake each do not."""

from functools import partial

import pytest
import torch

from snnx.augmentation.none import none
from snnx.dataset.batches import Batches
from snnx.dataset.images import Images
from snnx.testing import dataset


class Small(Images):
    """Twelve images for training and six for the test, each of another grey; the broken data sets change what it yields."""

    classes = 3
    shape = (1, 2, 2)
    counts = (12, 6)

    def read(self):
        grey = torch.arange(18, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, *self.shape).contiguous()
        labels = torch.arange(18) % self.classes
        return {"train": (grey[:12], labels[:12]), "test": (grey[12:], labels[12:])}


class Rows(Small):
    """Yields rows."""

    def val_dataloader(self):
        return [(images.flatten(1), labels) for images, labels in super().val_dataloader()]


class Doubled(Small):
    def on_after_batch_transfer(self, batch, dataloader_idx):
        images, labels = super().on_after_batch_transfer(batch, dataloader_idx)
        return images.double(), labels


class Renamed(Small):
    def on_after_batch_transfer(self, batch, dataloader_idx):
        images, labels = super().on_after_batch_transfer(batch, dataloader_idx)
        return images, labels + 1


class Cut(Small):
    """Leaves out the last batch."""

    def test_dataloader(self):
        return list(super().test_dataloader())[:-1]


class FromOne(Small):
    """Counts classes from 1."""

    def test_dataloader(self):
        return [(images, labels + 1) for images, labels in super().test_dataloader()]


class Fractions(Small):
    def val_dataloader(self):
        return [(images, labels / 2) for images, labels in super().val_dataloader()]


class Shuffled(Small):
    """Has another order of test samples every time."""

    rolls = 0

    def test_dataloader(self):
        self.rolls += 1
        return Batches(*self._parts["test"], batch_size=4, order=lambda: torch.arange(6).roll(self.rolls))


class Seeded(Small):
    """Has another order of test samples for every seed."""

    def test_dataloader(self):
        return Batches(*self._parts["test"], batch_size=4, order=lambda: torch.arange(6).roll(self.seed))


class Leaks(Small):
    """Trains on what it validates on."""

    def train_dataloader(self):
        return self.val_dataloader()


class Repeats(Small):
    """Tests on what it trains on."""

    def test_dataloader(self):
        return self.train_dataloader()


WRONG = [
    (dataset.shapes, Rows, r"^Rows: must yield val samples of \[3, 1, 2, 2\]; got \[3, 4\]$"),
    (dataset.shapes, Doubled, "^Doubled: must give finite float32 samples on the device; got others in train$"),
    (dataset.shapes, Renamed, "^Renamed: must keep the labels on the device; got others in train$"),
    (dataset.shapes, Cut, "^Cut: must yield the 6 test samples of split_counts; got 4$"),
    (dataset.labels, FromOne, r"^FromOne: must have labels in 0\.\.2; got 1 to 3 in test$"),
    (dataset.labels, Fractions, "^Fractions: must have whole numbers as labels; got torch.float32 in val$"),
    (dataset.order, Shuffled, "^Shuffled: must yield the test samples in the same order in a second reading; got another"),
    (
        dataset.order,
        Seeded,
        "^Seeded: must yield the test samples in the same order in a second data set, with another seed; got",
    ),
    (dataset.apart, Leaks, "^Leaks: must use each sample in one part only; got 3 in train or val that are also elsewhere$"),
    (dataset.apart, Repeats, r"^Repeats: must test on samples of its test part; got \d others$"),
]


def built(kind):
    return partial(kind, batch_size=4, validation=0.25, normalize=False, augmentation=none, seed=0)


@pytest.mark.parametrize("contract", dataset.CONTRACTS)
def test_a_data_set_without_a_mistake(contract):
    contract(built(Small))


@pytest.mark.parametrize(("contract", "kind", "message"), WRONG)
def test_a_data_set_with_a_mistake(contract, kind, message):
    with pytest.raises(AssertionError, match=message):
        contract(built(kind))


def test_every_contract_finds_a_mistake():
    assert {contract for contract, *_ in WRONG} == set(dataset.CONTRACTS)

"""Contracts that every data set must fulfil; any project's tests can call them."""

from collections import Counter
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from snnx.dataset.batches import Batches
from snnx.dataset.labelled import Labelled
from snnx.testing.must import must

Make = Callable[[], Labelled]


def shapes(make: Make) -> None:
    """Every part yields its number of samples, of the declared shape; on the device they become finite float32 numbers.

    Args:
        make: builds the data set, from files that exist.

    Raises:
        AssertionError: the contract is broken; the message says in one line what the data set must do.

    Example:
        >>> from functools import partial
        >>> from snnx.augmentation.none import none
        >>> from snnx.dataset.digits import Digits
        >>> for contract in CONTRACTS:
        ...     contract(partial(Digits, batch_size=64, validation=0.1, normalize=False, augmentation=none, seed=0))
    """
    data = _ready(make)
    for part, batches in _loaders(data).items():
        found = 0
        for samples, labels in batches:
            expected = [len(labels), *data.sample_shape]
            must(list(samples.shape) == expected, data, f"yield {part} samples of {expected}; got {list(samples.shape)}")
            moved, same = data.on_after_batch_transfer((samples, labels), 0)
            must(list(moved.shape) == expected, data, f"keep {expected} on the device; got {list(moved.shape)} in {part}")
            proper = moved.dtype == torch.float32 and bool(moved.isfinite().all())
            must(proper, data, f"give finite float32 samples on the device; got others in {part}")
            must(torch.equal(same, labels), data, f"keep the labels on the device; got others in {part}")
            found += len(labels)
        count = data.split_counts[part]
        least = count - 1 if part == "train" else count  # a last training batch of a single sample is left out
        must(least <= found <= count, data, f"yield the {count} {part} samples of split_counts; got {found}")


def labels(make: Make) -> None:
    """Labels are whole numbers from 0 to `classes - 1`, and the test part is not empty.

    Args:
        make: see `shapes`.
    """
    data = _ready(make)
    must(data.split_counts["test"] > 0, data, "have test samples; got none")
    for part, batches in _loaders(data).items():
        for _, found in batches:
            must(not found.is_floating_point(), data, f"have whole numbers as labels; got {found.dtype} in {part}")
            low, high = int(found.min()), int(found.max())
            within = 0 <= low <= high < data.classes
            must(within, data, f"have labels in 0..{data.classes - 1}; got {low} to {high} in {part}")


def order(make: Make) -> None:
    """The test part has the same samples in the same order at every reading, in every object, and for every seed.

    Args:
        make: see `shapes`.
    """
    data, other = _ready(make), make()
    other.seed += 1
    other.setup()
    first = _digests(data.test_dataloader())
    for again, what in ((data, "second reading"), (other, "second data set, with another seed")):
        same = _digests(again.test_dataloader()) == first
        must(same, data, f"yield the test samples in the same order in a {what}; got another order")
    must(other.split_hash == data.split_hash, data, "have the same split_hash for every seed; got another one")


def apart(make: Make) -> None:
    """Test samples come from the official test part, the others from the other parts, and none is in two parts.

    Parts whose samples are distorted when they are read, such as photographs that are cropped at random, are not compared.

    Args:
        make: see `shapes`.
    """
    data = _ready(make)
    official = {part: Batches(*both, batch_size=64) for part, both in data.read().items()}
    fixed = {part: Counter(_digests(batches)) for part, batches in official.items() if _digests(batches) == _digests(batches)}
    used = {part: Counter(_digests(batches)) for part, batches in _loaders(data).items()}
    if "test" in fixed:
        others = (used["test"] - fixed["test"]).total()
        must(not others, data, f"test on samples of its test part; got {others} others")
    learned = [part for part in official if part != "test"]
    if set(learned) <= set(fixed):
        twice = (used["train"] + used["val"] - sum((fixed[part] for part in learned), Counter())).total()
        must(not twice, data, f"use each sample in one part only; got {twice} in train or val that are also elsewhere")


CONTRACTS = (shapes, labels, order, apart)
"""All contracts, for `pytest.mark.parametrize`."""


def _ready(make: Make) -> Labelled:
    data = make()
    data.setup()
    return data


def _loaders(data: Labelled) -> dict[str, Batches]:
    return {"train": data.train_dataloader(), "val": data.val_dataloader(), "test": data.test_dataloader()}


def _digests(batches: Iterable[tuple[Tensor, Tensor]]) -> list[tuple[bytes, int]]:
    """The bytes and the label of each sample."""
    return [
        (sample.contiguous().numpy().tobytes(), int(label))
        for samples, labels in batches
        for sample, label in zip(samples, labels, strict=True)
    ]

"""Contracts that every augmentation must fulfil; any project's tests can call them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from snnx.augmentation.augmentation import Augmentation
from snnx.testing.close import close
from snnx.testing.must import must

BATCH = 6


def shape(augmentation: Augmentation, sample: Sequence[int] = (3, 12, 10)) -> None:
    """Images keep their shape and dtype, in a batch and alone; images in [0, 1] stay in [0, 1].

    Args:
        augmentation: the augmentation, a function or a `partial` of one.
        sample: `(C, H, W)` of the images, for an augmentation that needs others; of event frames, C is 2T.

    Raises:
        AssertionError: the contract is broken; the message says in one line what the augmentation must do.

    Example:
        >>> from functools import partial
        >>> from snnx.augmentation.shift import shift
        >>> for contract in CONTRACTS:
        ...     contract(partial(shift, pixels=1, fill=0.0))
    """
    for batch in (BATCH, 1):
        images, labels = _batch(sample, batch)
        out, _ = _augmented(augmentation, images, labels)
        must(out.shape == images.shape, augmentation, f"keep the shape of images, {list(images.shape)}; got {list(out.shape)}")
        must(out.dtype == images.dtype, augmentation, f"keep the dtype of images, {images.dtype}; got {out.dtype}")
        low, high = float(out.min()), float(out.max())
        must(0 <= low <= high <= 1, augmentation, f"keep images of [0, 1] in [0, 1]; got {low:g} to {high:g}")


def labels(augmentation: Augmentation, sample: Sequence[int] = (3, 12, 10)) -> None:
    """Labels stay as they are, or become probabilities `[B, K]`, which are not negative and sum to 1.

    Args:
        augmentation, sample: see `shape`.
    """
    images, given = _batch(sample, BATCH)
    _, found = _augmented(augmentation, images, given)
    if found.ndim == 1:
        must(torch.equal(found, given), augmentation, f"return the labels that it gets, {given.tolist()}; got {found.tolist()}")
        return
    rows = found.ndim == 2 and len(found) == BATCH
    must(rows, augmentation, f"return labels [B] or probabilities [B, K] of {BATCH} samples; got {list(found.shape)}")
    proper = bool((found >= 0).all()) and close(found.sum(1), torch.ones(BATCH))
    must(proper, augmentation, "return probabilities that sum to 1; got others")


def seeds(augmentation: Augmentation, sample: Sequence[int] = (3, 12, 10)) -> None:
    """Random numbers come from torch's generator: the same seed gives the same images and labels.

    Args:
        augmentation, sample: see `shape`.
    """
    first, again = (_augmented(augmentation, *_batch(sample, BATCH)) for _ in range(2))
    for name, one, other in zip(("images", "labels"), first, again, strict=True):
        must(torch.equal(one, other), augmentation, f"give the same {name} from the same seed; got others")


CONTRACTS = (shape, labels, seeds)
"""All contracts, for `pytest.mark.parametrize`."""


def _batch(sample: Sequence[int], size: int) -> tuple[Tensor, Tensor]:
    return torch.rand(size, *sample, generator=torch.Generator().manual_seed(0)), torch.arange(size)


def _augmented(augmentation: Augmentation, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return augmentation(images.clone(), labels.clone())

"""The contracts of augmentations: augmentations with one mistake each do not fulfil them."""

import pytest
import torch
from torch import nn

from snnx.testing import augmentation

GENERATOR = torch.Generator().manual_seed(0)


def crop(images, labels):
    return images[..., 1:], labels


def double(images, labels):
    return images.double(), labels


def brighter(images, labels):
    return images + 0.5, labels


def shuffled(images, labels):
    return images, labels.flip(0)


def summed(images, labels):
    return images, 2 * nn.functional.one_hot(labels, 10).float()


def flat(images, labels):
    return images, nn.functional.one_hot(labels, 10).float().mean(0, keepdim=True)


def unseeded(images, labels):
    return images * torch.rand((), generator=GENERATOR), labels


WRONG = [
    (augmentation.shape, crop, r"^crop: must keep the shape of images, \[6, 3, 12, 10\]; got \[6, 3, 12, 9\]$"),
    (augmentation.shape, double, "^double: must keep the dtype of images, torch.float32; got torch.float64$"),
    (augmentation.shape, brighter, r"^brighter: must keep images of \[0, 1\] in \[0, 1\]; got 0.5\d+ to 1.4"),
    (augmentation.labels, shuffled, r"^shuffled: must return the labels that it gets, \[0, 1, .*\]; got \[5, 4, .*\]$"),
    (augmentation.labels, summed, "^summed: must return probabilities that sum to 1; got others$"),
    (augmentation.labels, flat, r"^flat: must return labels \[B\] or probabilities \[B, K\] of 6 samples; got \[1, 10\]$"),
    (augmentation.seeds, unseeded, "^unseeded: must give the same images from the same seed; got others$"),
]


@pytest.mark.parametrize(("contract", "make", "message"), WRONG)
def test_a_part_with_a_mistake(contract, make, message):
    with pytest.raises(AssertionError, match=message):
        contract(make)


def test_every_contract_finds_a_mistake():
    assert {contract for contract, *_ in WRONG} == set(augmentation.CONTRACTS)

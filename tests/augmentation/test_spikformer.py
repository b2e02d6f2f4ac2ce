"""Spikformer's augmentations: each operation occurs as often as the code of the authors says, and does what it says."""

import pytest
import torch

from snnx.augmentation.spikformer import spikformer
from snnx.augmentation.spikformer_events import spikformer_events

OFF = {
    "flip": 0.0, "probability": 0.0, "magnitude": 9.0, "magnitude_std": 0.4, "erase": 0.0, "background": 0.5, "mixup": 0.0,
    "classes": None,
}  # fmt: skip
STILL = {
    "flip": 0.0, "translate": 0.0, "rotate": 0.0, "shear": 0.0, "cutout": 0.001, "mixup": 0.0, "mixup_probability": 0.5,
    "classes": None,
}  # fmt: skip


def distorted(images, **changed):
    torch.manual_seed(0)
    return spikformer(images, torch.arange(len(images)) % 7, **(OFF | changed))


def moved(images, **changed):
    torch.manual_seed(0)
    return spikformer_events(images, torch.arange(len(images)) % 7, **(STILL | changed))


def share(mask, wanted):
    """Whether a share of samples is within five standard deviations of what is wanted."""
    return abs(mask.float().mean() - wanted) < 5 * (wanted * (1 - wanted) / len(mask)) ** 0.5


def test_half_of_the_images_are_not_changed():
    images = torch.rand(2000, 3, 16, 16)
    out = distorted(images, probability=0.5)[0]
    assert share((out == images).flatten(1).all(1), 0.5)
    assert (out.min(), out.max()) >= (0, 0)
    assert out.max() <= 1


def test_each_of_the_five_operations_occurs():
    """On a bright square of 8 pixels in the middle of a grey image: equalize makes black and white, translations move it."""
    image = torch.full((1, 1, 32, 32), 0.5)
    image[..., 12:20, 12:20] = 0.75
    out = distorted(image.expand(3000, -1, -1, -1), probability=1.0, magnitude_std=0.0, magnitude=4.0)[0]
    rows, columns = ((out > 0.625).any(axis)[:, 0] for axis in (3, 2))
    high, left, top = rows.sum(1), columns.int().argmax(1), rows.int().argmax(1)
    assert share(((out == 0) | (out == 1)).flatten(1).all(1), 0.2)  # equalize
    assert share(high == 10, 0.2)  # rotate, by 12 degrees
    assert share((left == 10) | (left == 14), 0.2)  # shear: 0.12 of 16 pixels
    assert share((left == 6) | (left == 18), 0.2)  # along x, by 5.76 pixels
    assert share((top == 6) | (top == 18), 0.2)  # along y


def test_erased_pixels_have_the_value_of_their_channel():
    out = distorted(torch.zeros(400, 2, 16, 16), erase=0.25, background=[0.25, 0.75])[0]
    assert share((out != 0).flatten(1).any(1), 0.25)
    assert (out[:, 0].unique().tolist(), out[:, 1].unique().tolist()) == ([0, 0.25], [0, 0.75])


def test_mixup_gives_probabilities():
    images = torch.rand(6, 1, 4, 4)
    out, soft = distorted(images, mixup=0.5, classes=7)
    assert torch.allclose(soft.sum(1), torch.ones(6))
    first = soft[0, 0]
    assert torch.allclose(out, first * images + (1 - first) * images.roll(1, 0))


def test_events_are_changed_in_one_of_six_ways():
    """With one operation at a time, a sixth of the samples is changed by it, and a third by translations, in x or in y."""
    torch.manual_seed(1)
    images = (torch.rand(1, 2, 24, 24) < 0.4).float().expand(3000, -1, -1, -1)
    for changed, wanted in (
        ({"shear": 80.0}, 1 / 6),
        ({"rotate": 80.0}, 1 / 6),
        ({"translate": 12.0}, 2 / 6 * 23 / 24),  # a shift by less than half a pixel changes nothing
        ({"cutout": 1.0}, 1 / 6),
    ):
        out = moved(images, **changed)[0]
        assert set(out.unique().tolist()) <= {0.0, 1.0}
        found = (out != images).flatten(1).sum(1) > 2  # the smallest cutout is one pixel in both channels
        assert abs(found.float().mean() - wanted) < 0.05, changed


def test_all_steps_of_a_sample_are_changed_alike():
    images = (torch.rand(50, 1, 12, 12) < 0.3).float().expand(-1, 6, -1, -1)
    settings = {"flip": 0.5, "translate": 5.0, "rotate": 30.0, "shear": 17.0, "cutout": 0.11}
    out = moved(images, **settings)[0]
    assert torch.equal(out, out[:, :1].expand_as(out))


def test_half_of_the_batches_are_mixed_and_all_have_probabilities():
    torch.manual_seed(0)
    images, labels = torch.rand(4, 1, 4, 4), torch.arange(4)
    calls = [spikformer_events(images, labels, **(STILL | {"mixup": 0.5, "classes": 4})) for _ in range(400)]
    assert all(torch.allclose(soft.sum(1), torch.ones(4)) for _, soft in calls)
    assert share(torch.tensor([float((soft.max(1).values < 1).any()) for _, soft in calls]), 0.5)


@pytest.mark.parametrize(
    ("call", "changed", "message"),
    [
        (distorted, {"erase": 1.5}, r"spikformer: flip, probability and erase must lie in \[0, 1\]; got 0.0, 0.0 and 1.5"),
        (distorted, {"magnitude": 11.0}, r"spikformer: magnitude must be in \[0, 10\] and magnitude_std .*; got 11.0 and 0.4"),
        (distorted, {"mixup": -1.0}, r"spikformer: mixup must be at least 0; got -1.0"),
        (distorted, {"mixup": 0.5}, r"spikformer: classes must be the number of classes of .* if mixup > 0; got null"),
        (
            distorted,
            {"background": [0.5, 0.5]},
            r"spikformer: background must be one value or one for each of 1 channels; got",
        ),
        (moved, {"flip": 2.0}, r"spikformer_events: flip and mixup_probability must lie in \[0, 1\]; got 2.0 and 0.5"),
        (moved, {"translate": -1.0}, r"spikformer_events: translate and mixup must be at least 0; got -1.0 and 0.0"),
        (moved, {"shear": 90.0}, r"spikformer_events: rotate and shear must lie in \[0, 90\) degrees; got 0.0 and 90.0"),
        (moved, {"cutout": 0.0}, r"spikformer_events: cutout must be a share of the frame in \[0.001, 1\]; got 0.0"),
        (moved, {"mixup": 0.5}, r"spikformer_events: classes must be the number of classes of .* if mixup > 0; got null"),
    ],
)
def test_wrong_arguments_are_rejected(call, changed, message):
    with pytest.raises(ValueError, match=message):
        call(torch.rand(2, 1, 4, 4), **changed)

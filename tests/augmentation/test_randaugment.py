"""Property: each distortion alone, sample by sample; mixes make probabilities; nothing depends on hidden generators."""

import pytest
import torch

from snnx.augmentation.randaugment import randaugment

STILL = {
    "flip": 0.0, "operations": 0, "magnitude": 0.0, "magnitude_std": 0.0, "erase": 0.0, "fill": 0.5,
    "mixup": 0.0, "cutmix": 0.0, "classes": None,
}  # fmt: skip


def distorted(images, labels=None, **changed):
    torch.manual_seed(0)
    labels = torch.arange(len(images)) % 7 if labels is None else labels
    return randaugment(images, labels, **(STILL | changed))


def test_nothing_is_nothing():
    images = torch.rand(4, 3, 8, 8)
    assert torch.equal(distorted(images)[0], images)


def test_a_mirror_for_each_sample():
    image = torch.rand(1, 3, 6, 6)
    out = distorted(image.expand(200, -1, -1, -1), flip=0.5)[0]
    same, flipped = (out == image).flatten(1).all(1), (out == image.flip(-1)).flatten(1).all(1)
    assert (same | flipped).all()
    assert 60 < flipped.sum() < 140  # 6 standard deviations of a fair coin


def test_samples_are_augmented_each_in_its_own_way():
    image = torch.rand(1, 3, 12, 12)
    out = distorted(image.expand(80, -1, -1, -1), operations=1, magnitude=27.0)[0]
    assert len(out.flatten(1).unique(dim=0)) >= 10  # of 14 operations, most in two directions
    assert (out.min(), out.max()) >= (0, 0)
    assert out.max() <= 1


def test_magnitude_counts():
    """Brightness, contrast and translation of strength 0 do nothing."""
    images = torch.rand(60, 3, 12, 12)
    weak, strong = (distorted(images, operations=1, magnitude=m)[0] for m in (0.0, 30.0))
    assert (weak - images).abs().mean() < (strong - images).abs().mean() / 2


def test_erasing_fills_a_rectangle_in_a_share_of_the_samples():
    images = torch.zeros(200, 3, 16, 16)
    out = distorted(images, erase=0.25, fill=0.5)[0]
    hit = (out != 0).flatten(1).any(1)
    assert 20 < hit.sum() < 80
    assert set(out.unique().tolist()) == {0.0, 0.5}
    for sample in out[hit]:
        rows, columns = (sample[0] != 0).any(1), (sample[0] != 0).any(0)
        assert torch.equal(sample[0] != 0, rows[:, None] & columns)


@pytest.mark.parametrize("mix", ["mixup", "cutmix"])
def test_mixes_share_images_as_they_share_labels(mix):
    images = torch.zeros(6, 1, 10, 10)
    images += torch.arange(6).view(-1, 1, 1, 1)
    out, soft = distorted(images, torch.arange(6), **{mix: 1.0}, classes=6)
    assert torch.allclose(soft.sum(1), torch.ones(6))
    assert torch.allclose(out.mean((1, 2, 3)), soft @ torch.arange(6.0), atol=1e-4)
    assert torch.equal(out, out.round()) == (mix == "cutmix")


def test_both_mixes_take_turns():
    images = torch.arange(2.0).view(-1, 1, 1, 1).expand(2, 1, 9, 9)
    torch.manual_seed(0)
    batches = [randaugment(images, torch.arange(2), **(STILL | {"mixup": 1.0, "cutmix": 1.0, "classes": 2})) for _ in range(30)]
    cut = sum(set(out.unique().tolist()) <= {0.0, 1.0} for out, _ in batches)
    assert 5 < cut < 25


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"erase": 1.5}, r"randaugment: flip and erase must lie in \[0, 1\]; got 0.0 and 1.5"),
        ({"magnitude": 31.0}, r"randaugment: operations and magnitude_std .* magnitude lie in \[0, 30\]; got 0, 0.0 and 31.0"),
        ({"cutmix": -1.0}, "randaugment: mixup and cutmix must be at least 0; got 0.0 and -1.0"),
        ({"mixup": 0.5}, "randaugment: classes must be the data set's number of classes where samples are mixed; got null"),
    ],
)
def test_what_cannot_be_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        distorted(torch.rand(2, 3, 4, 4), **changed)

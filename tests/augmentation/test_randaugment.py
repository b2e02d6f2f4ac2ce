"""Each operation alone changes each sample independently, and mixing turns labels into probabilities."""

import pytest
import torch

from snnx.augmentation.randaugment import randaugment

OFF = {
    "flip": 0.0, "operations": 0, "magnitude": 0.0, "magnitude_std": 0.0, "erase": 0.0, "fill": 0.5,
    "interpolation": "nearest",    "mixup": 0.0, "cutmix": 0.0, "classes": None,
}  # fmt: skip


def distorted(images, labels=None, **changed):
    torch.manual_seed(0)
    labels = torch.arange(len(images)) % 7 if labels is None else labels
    return randaugment(images, labels, **(OFF | changed))


def test_with_everything_off_images_stay_the_same():
    images = torch.rand(4, 3, 8, 8)
    assert torch.equal(distorted(images)[0], images)


def test_each_sample_is_mirrored_or_not():
    image = torch.rand(1, 3, 6, 6)
    out = distorted(image.expand(200, -1, -1, -1), flip=0.5)[0]
    same, flipped = (out == image).flatten(1).all(1), (out == image.flip(-1)).flatten(1).all(1)
    assert (same | flipped).all()
    assert 60 < flipped.sum() < 140  # 6 standard deviations of a fair coin


def test_each_sample_gets_its_own_operation():
    image = torch.rand(1, 3, 12, 12)
    out = distorted(image.expand(80, -1, -1, -1), operations=1, magnitude=27.0)[0]
    assert len(out.flatten(1).unique(dim=0)) >= 10  # there are 14 operations, and most work in two directions
    assert (out.min(), out.max()) >= (0, 0)
    assert out.max() <= 1


def test_a_larger_magnitude_changes_images_more():
    """At magnitude 0, operations such as brightness, contrast and translation change nothing."""
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
def test_images_and_labels_are_mixed_by_the_same_share(mix):
    images = torch.zeros(6, 1, 10, 10)
    images += torch.arange(6).view(-1, 1, 1, 1)
    out, soft = distorted(images, torch.arange(6), **{mix: 1.0}, classes=6)
    assert torch.allclose(soft.sum(1), torch.ones(6))
    assert torch.allclose(out.mean((1, 2, 3)), soft @ torch.arange(6.0), atol=1e-4)
    assert torch.equal(out, out.round()) == (mix == "cutmix")


def test_with_both_on_each_batch_gets_one_of_them():
    images = torch.arange(2.0).view(-1, 1, 1, 1).expand(2, 1, 9, 9)
    torch.manual_seed(0)
    batches = [randaugment(images, torch.arange(2), **(OFF | {"mixup": 1.0, "cutmix": 1.0, "classes": 2})) for _ in range(30)]
    cut = sum(set(out.unique().tolist()) <= {0.0, 1.0} for out, _ in batches)
    assert 5 < cut < 25


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"erase": 1.5}, r"randaugment: flip and erase must lie in \[0, 1\]; got 0.0 and 1.5"),
        ({"magnitude": 31.0}, r"randaugment: operations and magnitude_std .* magnitude in \[0, 30\]; got 0, 0.0 and 31.0"),
        ({"interpolation": "lanczos"}, "randaugment: interpolation must be nearest or bicubic; got lanczos"),
        ({"cutmix": -1.0}, "randaugment: mixup and cutmix must be at least 0; got 0.0 and -1.0"),
        ({"mixup": 0.5}, "randaugment: classes must be the number of classes of the data set if mixup or cutmix > 0; got null"),
    ],
)
def test_wrong_arguments_are_rejected(changed, message):
    with pytest.raises(ValueError, match=message):
        distorted(torch.rand(2, 3, 4, 4), **changed)

"""Each operation alone does what its equation says, and all channels of a sample are changed alike."""

import pytest
import torch

from snnx.augmentation.nda import nda

OFF = {"flip": 0.0, "roll": 0, "rotate": 0.0, "shear": 0.0, "cutout": 0, "mixup": 0.0, "classes": None}


def distorted(images, **changed):
    torch.manual_seed(0)
    return nda(images, torch.zeros(len(images)).long(), **(OFF | changed))[0]


def test_a_flip_mirrors():
    images = torch.rand(8, 2, 5, 6)
    assert torch.equal(distorted(images, flip=1.0), images.flip(-1))


def test_a_roll_wraps_around():
    """About a quarter of the samples is rolled; every shift of up to 2 pixels in each direction occurs, and no other."""
    image = torch.rand(1, 2, 7, 6)
    out = distorted(image.expand(4000, -1, -1, -1), roll=2)
    versions = torch.stack([image[0].roll((y, x), (1, 2)) for y in range(-2, 3) for x in range(-2, 3)])
    which = torch.stack([(out == version).flatten(1).all(1) for version in versions], dim=1)
    assert which.sum(1).eq(1).all()
    assert (which.sum(0) > 0).all()


def test_a_rotation_keeps_the_centre_and_moves_corners():
    images = torch.zeros(400, 1, 9, 9)
    images[:, :, 4, 4] = images[:, :, 0, 0] = 1.0
    out = distorted(images, rotate=80)
    assert out[:, 0, 4, 4].eq(1).all()
    moved = (out != images).flatten(1).any(1)
    assert 0.15 < moved.float().mean() < 0.35  # one in four
    assert (out.sum(dim=(1, 2, 3)) <= 3).all()  # with the nearest pixel, a corner may be copied twice but is never a fraction
    assert out.unique().tolist() == [0.0, 1.0]


def test_a_shear_shifts_each_row_but_the_middle_one():
    image = torch.zeros(1, 1, 9, 9)
    image[..., 4] = 1.0
    out = distorted(image.expand(400, -1, -1, -1), shear=45)
    assert out[:, 0, 4, 4].eq(1).all()
    assert out.sum(dim=(1, 3)).le(1).all()
    top, bottom = out[:, 0, 0].argmax(1) - 4, out[:, 0, 8].argmax(1) - 4
    assert torch.equal(top, -bottom)
    assert top.abs().max() >= 3


@pytest.mark.parametrize("side", [5, 8])
def test_a_cutout_is_one_black_square(side):
    out = distorted(torch.ones(400, 2, 20, 20), cutout=side)
    black = (out == 0).sum(dim=(2, 3))
    assert torch.equal(black[:, 0], black[:, 1])
    assert sorted(black[:, 0].unique().tolist())[0] == 0
    assert black.max() == side**2


def test_all_channels_are_changed_alike():
    image = (torch.rand(50, 1, 12, 12) < 0.3).float()
    settings = {"flip": 0.5, "roll": 5, "rotate": 30.0, "shear": 30.0, "cutout": 8}
    out = distorted(image.expand(-1, 6, -1, -1), **settings)
    assert torch.equal(out, out[:, :1].expand_as(out))
    assert set(out.unique().tolist()) == {0.0, 1.0}


def test_mixup_gives_probabilities():
    torch.manual_seed(0)
    images, labels = torch.rand(6, 2, 4, 4), torch.arange(6)
    mixed, soft = nda(images, labels, **(OFF | {"mixup": 0.5, "classes": 7}))
    assert soft.shape == (6, 7)
    assert torch.allclose(soft.sum(1), torch.ones(6))
    share = soft[0, 0]
    assert torch.allclose(mixed, share * images + (1 - share) * images.roll(1, 0))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"flip": 1.5}, r"nda: flip must lie in \[0, 1\]; got 1.5"),
        ({"roll": -1}, "nda: roll, cutout and mixup must be at least 0; got -1, 0 and 0.0"),
        ({"shear": 90.0}, r"nda: rotate and shear must lie in \[0, 90\) degrees; got 0.0 and 90.0"),
        ({"mixup": 0.5}, "nda: classes must be the number of classes of the data set if mixup > 0; got null"),
    ],
)
def test_wrong_arguments_are_rejected(changed, message):
    with pytest.raises(ValueError, match=message):
        distorted(torch.rand(2, 2, 4, 4), **changed)

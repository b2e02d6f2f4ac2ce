"""Each operation alone does what its equation says, and all channels of a sample are changed alike."""

import pytest
import torch
from composing import option
from torchvision.transforms.v2 import functional

from snnx.augmentation.nda import CHANGES, nda

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


@pytest.mark.parametrize("name", CHANGES)
def test_with_one_choice_all_samples_get_it(name):
    """The settings of the other changes are not used. A shear by less than 2.5 degrees, one in twelve, moves no pixel."""
    images = (torch.rand(400, 2, 24, 24) < 0.5).float()
    settings = {"roll": 5, "rotate": 30.0, "shear": 30.0, "cutout": 8}
    out = distorted(images, choices=[name], **settings)
    alone = distorted(images, choices=[name], **{name: settings[name]})
    assert torch.equal(out, alone)
    assert (out != images).flatten(1).any(1).float().mean() > 0.85


def test_each_choice_gets_an_equal_share():
    """A third of 3,000 samples gets a cutout, the others a change that is set to 0; six standard deviations are 0.05."""
    out = distorted(torch.ones(3000, 1, 12, 12), choices=["roll", "cutout", "rotate"], cutout=4)
    assert (out == 0).flatten(1).any(1).float().mean() == pytest.approx(1 / 3, abs=0.05)


def test_the_recipe_of_nda_changes_each_recording_as_its_loader():
    """The loader in its authors' code: np.random.choice of a roll by randint(-5, 5) in both directions, torchvision's
    RandomRotation(30), and its RandomAffine(0, shear=(-30, 30)), with the nearest pixel and 0 outside.

    Each sample must equal one of these, where angles are compared on a grid of 0.05 degrees, between which some pixels differ.
    """
    torch.manual_seed(0)
    image = (torch.rand(1, 1, 48, 48) < 0.5).float()
    out, _ = option("augmentation", "nda", "recipe=nda_dvs")(image.expand(150, 4, -1, -1), torch.zeros(150).long())
    assert torch.equal(out, out[:, :1].expand_as(out))
    rolled = [image[0, 0].roll((y, x), (0, 1)) for y in range(-5, 6) for x in range(-5, 6)]
    angles = torch.arange(-30, 30.01, 0.05).tolist()
    turned = [functional.rotate(image, angle)[0, 0] for angle in angles]
    sheared = [functional.affine(image, 0.0, [0, 0], 1.0, [angle, 0.0])[0, 0] for angle in angles]
    differ = [
        torch.cdist(out[:, 0].flatten(1), torch.stack(all_).flatten(1), p=1) / 48**2 for all_ in (rolled, turned, sheared)
    ]
    nearest = torch.stack([least.min(1).values for least in differ], 1)
    which = nearest.argmin(1)
    assert nearest[which == 0, 0].eq(0).all()
    assert nearest.min(1).values.max() < 0.03
    assert nearest.sort(1).values[:, 1].median() > 0.2  # the other two are far
    assert which.bincount().min() > 20  # of 50 on average, 5 standard deviations
    angle = torch.tensor(angles)[torch.where(which == 1, differ[1].argmin(1), differ[2].argmin(1))]
    assert all(angle[which == kind].abs().max() > 25 for kind in (1, 2))


def test_the_recipe_of_tet_rolls_each_recording():
    """Mirrored or not, by up to 5 pixels in both directions."""
    image = torch.rand(1, 4, 12, 16)
    torch.manual_seed(0)
    out, _ = option("augmentation", "nda", "recipe=tet_dvs")(image.expand(3000, -1, -1, -1), torch.zeros(3000).long())
    seen = {sample.numpy().tobytes() for sample in out}
    sides = (image[0], image[0].flip(-1))
    assert seen == {side.roll((y, x), (1, 2)).numpy().tobytes() for side in sides for y in range(-5, 6) for x in range(-5, 6)}


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
        ({"choices": []}, r"nda: choices must be one or several of roll, rotate, shear, cutout, each once; got \[\]"),
        ({"choices": ["roll", "roll"]}, r"nda: choices must be one or several of .*, each once; got \['roll', 'roll'\]"),
        ({"choices": ["flip"]}, r"nda: choices must be one or several of .*, each once; got \['flip'\]"),
        ({"roll": -1}, "nda: roll, cutout and mixup must be at least 0; got -1, 0 and 0.0"),
        ({"shear": 90.0}, r"nda: rotate and shear must lie in \[0, 90\) degrees; got 0.0 and 90.0"),
        ({"mixup": 0.5}, "nda: classes must be the number of classes of the data set if mixup > 0; got null"),
    ],
)
def test_wrong_arguments_are_rejected(changed, message):
    with pytest.raises(ValueError, match=message):
        distorted(torch.rand(2, 2, 4, 4), **changed)

"""Each operation equals torchvision's, which does one image at a time, and each sample gets its own."""

import math

import pytest
import torch
from torchvision.transforms.v2 import functional as F

from snnx.augmentation.rand_operation import OPERATIONS, rand_operation

NONE = {"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0], "fill": 0.5}


def degrees(tangent: float) -> float:
    return math.degrees(math.atan(tangent))


THEIRS = {
    "identity": lambda x, s: x,
    "shear_x": lambda x, s: F.affine(x, **NONE | {"shear": [degrees(0.3 * s), 0.0], "center": [0, 0]}),
    "shear_y": lambda x, s: F.affine(x, **NONE | {"shear": [0.0, degrees(0.3 * s)], "center": [0, 0]}),
    "translate_x": lambda x, s: F.affine(x, **NONE | {"translate": [int(150 / 331 * s * x.shape[-1]), 0]}),
    "translate_y": lambda x, s: F.affine(x, **NONE | {"translate": [0, int(150 / 331 * s * x.shape[-2])]}),
    "rotate": lambda x, s: F.rotate(x, angle=-30 * s, fill=0.5),
    "brightness": lambda x, s: F.adjust_brightness(x, 1 + 0.9 * s),
    "color": lambda x, s: F.adjust_saturation(x, 1 + 0.9 * s),
    "contrast": lambda x, s: F.adjust_contrast(x, 1 + 0.9 * s),
    "sharpness": lambda x, s: F.adjust_sharpness(x, 1 + 0.9 * s),
    "posterize": lambda x, s: F.posterize(x, round(8 - 4 * abs(s))),
    "solarize": lambda x, s: F.solarize(x, 1 - abs(s)),
    "autocontrast": lambda x, s: F.autocontrast(x),
    "equalize": lambda x, s: F.equalize(x),
}


def test_all_operations_are_compared():
    assert tuple(THEIRS) == OPERATIONS


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", OPERATIONS)
def test_it_equals_torchvisions(name, channels):
    torch.manual_seed(0)
    images = 0.1 + 0.8 * torch.rand(31, channels, 20, 28) * torch.rand(31, 1, 1, 1)
    strength = torch.linspace(-1, 1, 31).round(decimals=3)
    found = rand_operation(images, torch.full((31,), OPERATIONS.index(name)), strength, fill=0.5, interpolation="nearest")
    for image, s, ours in zip(images, strength.tolist(), found, strict=True):
        theirs = THEIRS[name](image[None], s)[0]
        # Where a pixel lies exactly between two, or a grey level between two, rounding decides.
        assert (ours - theirs).abs().gt(1e-5).float().mean() < 0.02, (s, (ours - theirs).abs().max())


@pytest.mark.parametrize("channels", [1, 3])
def test_autocontrast_equals_torchvisions_to_the_last_bit(channels):
    """Recorded runs were trained with torchvision's; channels without contrast stay as they are in both."""
    images = torch.rand(20, channels, 9, 7, generator=torch.Generator().manual_seed(0))
    images[3] = 0.25
    images[4, -1] = 0.0
    found = rand_operation(
        images, torch.full((20,), OPERATIONS.index("autocontrast")), torch.ones(20), fill=0.5, interpolation="nearest"
    )
    assert torch.equal(found, F.autocontrast(images))
    assert torch.equal(found[3], images[3])


def test_each_sample_gets_its_own_operation():
    torch.manual_seed(0)
    images, strength = torch.rand(14, 3, 16, 16), torch.full((14,), 0.7)
    mixed = rand_operation(images, torch.arange(14), strength, fill=0.5, interpolation="nearest")
    for number in range(14):
        alone = rand_operation(images[number, None], torch.tensor([number]), strength[:1], fill=0.5, interpolation="nearest")
        torch.testing.assert_close(mixed[number], alone[0])
    assert not torch.allclose(mixed[1:], images[1:])
    assert torch.equal(mixed[0], images[0])

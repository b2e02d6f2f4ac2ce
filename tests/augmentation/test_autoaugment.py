"""The pairs, their probabilities and each operation are those of torchvision's AutoAugment."""

import re
from collections import Counter

import pytest
import torch
from torchvision.transforms import v2

from snnx.augmentation.autoaugment import LARGEST, POLICY, autoaugment, drawn
from snnx.augmentation.cutout import cutout
from snnx.augmentation.rand_operation import OPERATIONS, rand_operation

THEIRS = v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10, fill=0.5)
SETTINGS = {"padding": 0, "fill": 0.0, "background": 0.5, "interpolation": "nearest", "cutout": 0}


def own_name(name: str) -> str:
    """Return our name of an operation of torchvision: `translate_x` for `TranslateX`, and `autocontrast` for `AutoContrast`."""
    return name.lower() if name == "AutoContrast" else re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def test_the_policy_is_that_of_torchvision():
    theirs = [tuple((own_name(name), p, m or 0) for name, p, m in pair) for pair in THEIRS._policies]
    assert list(POLICY) == theirs


@pytest.mark.parametrize(("name", "magnitude"), sorted({(name, m or 0) for pair in THEIRS._policies for name, _, m in pair}))
@pytest.mark.parametrize("sign", [-1, 1])
def test_each_operation_with_its_magnitude_is_that_of_torchvision(name, magnitude, sign):
    torch.manual_seed(0)
    images = 0.1 + 0.8 * torch.rand(5, 3, 32, 32) * torch.rand(5, 1, 1, 1)
    own, strength = ("solarize", 1.0) if name == "Invert" else (own_name(name), magnitude / LARGEST)
    which = torch.full((5,), OPERATIONS.index(own))
    found = rand_operation(images, which, torch.full((5,), sign * strength), fill=0.5, interpolation="nearest")
    magnitudes, signed = THEIRS._AUGMENTATION_SPACE[name]
    values = magnitudes(LARGEST + 1, 32, 32)
    # A positive angle turns the other way in torchvision. Since the sign is drawn, it does not matter.
    value = 0.0 if values is None else float(values[magnitude]) * (sign if signed else 1) * (-1 if name == "Rotate" else 1)
    for image, ours in zip(images, found, strict=True):
        theirs = THEIRS._apply_image_or_video_transform(image, name, value, v2.InterpolationMode.NEAREST, THEIRS._fill)
        assert (ours - theirs).abs().gt(1e-5).float().mean() < 0.02  # where a pixel lies exactly between two


def test_pairs_of_operations_are_drawn_as_often_as_in_torchvision():
    """Of 40,000 samples, how many get each pair of operations and strengths; the bound is six standard deviations."""
    expected, samples = Counter(), 40_000
    for pair in THEIRS._policies:
        (first, p, m), (second, q, n) = ((own_name(name), p, m or 0) for name, p, m in pair)
        for a, pa in (((first, m), p), (None, 1 - p)):
            for b, pb in (((second, n), q), (None, 1 - q)):
                expected[a, b] += pa * pb / len(THEIRS._policies)
    torch.manual_seed(0)
    (first, s), (second, t) = drawn(samples)

    def drawn_as(which: int, strength: float) -> tuple[str, int] | None:
        name = OPERATIONS[which]
        if name == "identity":
            return None
        magnitude = round(abs(strength) * LARGEST)
        return ("invert", 0) if (name, magnitude) == ("solarize", LARGEST) else (name, magnitude)

    found = Counter(
        (drawn_as(a, x), drawn_as(b, y))
        for a, x, b, y in zip(first.tolist(), s.tolist(), second.tolist(), t.tolist(), strict=True)
    )
    assert set(found) <= {pair for pair, share in expected.items() if share}
    for pair, share in expected.items():
        assert abs(found[pair] - samples * share) <= 6 * (samples * share * (1 - share)) ** 0.5, pair
    assert 0.48 < (s[s != 0] > 0).float().mean() < 0.52


def test_each_sample_gets_its_own_pair():
    torch.manual_seed(0)
    out, labels = autoaugment(torch.rand(1, 3, 16, 16).expand(200, -1, -1, -1), torch.arange(200), **SETTINGS)
    assert len(out.flatten(1).unique(dim=0)) > 60
    assert (out.min(), out.max()) >= (0, 0)
    assert out.max() <= 1
    assert labels.tolist() == list(range(200))


def test_the_square_is_cut_out_last():
    """No operation changes it: as many pixels are black as with the option `cutout`."""
    settings = SETTINGS | {"fill": 0.25}
    out, _ = autoaugment(torch.full((300, 3, 16, 16), 0.6), torch.arange(300), **settings | {"cutout": 6})
    black = (out == 0.25).all(1).flatten(1).sum(1)
    theirs, _ = cutout(torch.full((300, 3, 16, 16), 0.6), torch.arange(300), padding=0, fill=0.25, side=6)
    assert set(black.tolist()) == set((theirs == 0.25).all(1).flatten(1).sum(1).tolist())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cutout": -1}, "autoaugment: cutout must be at least 0; got -1"),
        ({"interpolation": "lanczos"}, "autoaugment: interpolation must be nearest or bicubic; got lanczos"),
    ],
)
def test_wrong_arguments_are_rejected(changed, message):
    with pytest.raises(ValueError, match=message):
        autoaugment(torch.rand(2, 3, 4, 4), torch.arange(2), **SETTINGS | changed)

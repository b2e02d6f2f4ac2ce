"""The rectangles of random erasing have the law of torchvision's."""

import pytest
import torch
from torchvision.transforms import v2

from snnx.augmentation.random_erasing import random_erasing


def areas(images: torch.Tensor) -> torch.Tensor:
    return (images == 0.5).float().mean((1, 2, 3))


@pytest.mark.parametrize(("area", "ratio"), [((0.02, 0.33), (0.3, 3.3)), ((0.001, 0.11), (1.0, 1.0))])
def test_areas_have_the_distribution_of_torchvisions(area, ratio):
    torch.manual_seed(0)
    images = torch.zeros(4000, 1, 32, 24)
    ours = areas(random_erasing(images, 1.0, fill=0.5, area=area, ratio=ratio))
    rub = v2.RandomErasing(1.0, scale=area, ratio=ratio, value=0.5)
    theirs = areas(torch.stack([rub(image) for image in images]))
    grid = torch.linspace(0, 0.4, 41)
    ours, theirs = (torch.searchsorted(found.sort().values, grid).float() / len(found) for found in (ours, theirs))
    assert (ours - theirs).abs().max() < 1.95 * (2 / 4000) ** 0.5  # Kolmogorov and Smirnov at 0.001


def test_places_are_uniform():
    torch.manual_seed(0)
    erased = (random_erasing(torch.zeros(4000, 1, 16, 16), 1.0, fill=1.0) == 1)[:, 0]
    shares = erased.float().mean(0)
    torch.testing.assert_close(shares, shares.flip(0), atol=0.04, rtol=0)
    torch.testing.assert_close(shares, shares.flip(1), atol=0.04, rtol=0)


def test_all_channels_of_a_sample_have_the_same_rectangle():
    torch.manual_seed(0)
    erased = random_erasing(torch.zeros(50, 3, 12, 12), 0.5, fill=1.0)
    assert torch.equal(erased[:, 0], erased[:, 2])
    assert 10 < erased.flatten(1).any(1).sum() < 40

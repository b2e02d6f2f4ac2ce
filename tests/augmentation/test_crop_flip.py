"""Each output is one of the shifted or mirrored versions of its own input, and every version occurs."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from snnx.augmentation.crop_flip import crop_flip


def versions(image, padding, fill):
    """All crops of one padded image, first plain, then mirrored."""
    height, width = image.shape[-2:]
    padded = functional.pad(image, [padding] * 4, value=fill)
    shifts = range(2 * padding + 1)
    crops = [padded[:, y : y + height, x : x + width] for y in shifts for x in shifts]
    return torch.stack(crops + [crop.flip(-1) for crop in crops])


@given(
    seed=st.integers(0, 1000),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    padding=st.integers(0, 3),
    fill=st.sampled_from([0.0, 0.5]),
)
def test_each_output_is_a_version_of_its_own_input(seed, height, width, padding, fill):
    torch.manual_seed(seed)
    images = torch.rand(5, 2, height, width)
    out, _ = crop_flip(images, torch.zeros(5), padding=padding, fill=fill)
    for before, after in zip(images, out, strict=True):
        assert (versions(before, padding, fill) == after).flatten(1).all(1).any()


def test_all_versions_occur_about_equally_often():
    """4,000 draws of 18 versions: each count is within 5 standard deviations, 5 * sqrt(n p (1 - p)) = 73, of its mean 222."""
    torch.manual_seed(0)
    image = torch.rand(1, 4, 4)
    out, _ = crop_flip(image.expand(4000, 1, 4, 4), torch.zeros(4000), padding=1, fill=0.0)
    which = (out.unsqueeze(1) == versions(image, 1, 0.0)).flatten(2).all(2)
    assert which.sum() == 4000
    assert (which.sum(0) - 4000 / 18).abs().max() <= 73


def test_the_input_is_not_changed_in_place():
    images = torch.rand(3, 1, 5, 5)
    before = images.clone()
    crop_flip(images, torch.zeros(3), padding=2, fill=0.0)
    assert torch.equal(images, before)


def test_negative_padding_is_rejected():
    with pytest.raises(ValueError, match="crop_flip: padding must be at least 0; got -1"):
        crop_flip(torch.zeros(1, 1, 4, 4), torch.zeros(1), padding=-1, fill=0.0)

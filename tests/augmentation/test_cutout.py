"""A square at a random place of each image is black; the rest is that of a crop and a mirror."""

import pytest
import torch

from snnx.augmentation.crop_flip import crop_flip
from snnx.augmentation.cutout import cutout


def cut(images, **settings):
    torch.manual_seed(0)
    return cutout(images, torch.zeros(len(images)).long(), **{"padding": 0, "fill": 0.0, "side": 4} | settings)[0]


def test_the_square_is_that_of_the_published_code():
    """y, x = randint(H), randint(W); mask[max(y - 2, 0):y + 2, max(x - 2, 0):x + 2] = 0. Each of the 63 squares occurs."""
    masks = set()
    for y in range(7):
        for x in range(9):
            mask = torch.ones(7, 9)
            mask[max(y - 2, 0) : y + 2, max(x - 2, 0) : x + 2] = 0
            masks.add(mask.numpy().tobytes())
    out = cut(torch.ones(4000, 2, 7, 9))
    assert torch.equal(out[:, 0], out[:, 1])
    assert {sample[0].numpy().tobytes() for sample in out} == masks


def test_outside_the_square_the_image_is_cropped_and_mirrored():
    images = torch.rand(50, 3, 12, 10)
    out = cut(images, padding=2, fill=0.25)
    torch.manual_seed(0)
    plain = crop_flip(images, torch.zeros(50).long(), padding=2, fill=0.25)[0]
    other = (out != plain).any(1)
    assert out.masked_select(other.unsqueeze(1)).eq(0.25).all()
    assert other.flatten(1).sum(1).max() <= 16
    assert torch.equal(cut(images, padding=2, fill=0.25, side=0), plain)


def test_a_negative_side_is_rejected():
    with pytest.raises(ValueError, match="cutout: side must be at least 0; got -1"):
        cut(torch.rand(2, 3, 4, 4), side=-1)

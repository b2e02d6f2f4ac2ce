"""Each output is one of the shifted versions of its own input, never mirrored, and every version occurs."""

import pytest
import torch

from snnx.augmentation.shift import shift


def versions(image, pixels, fill):
    """All shifted versions of one image, written out by slices."""
    channels, height, width = image.shape
    padded = torch.full((channels, height + 2 * pixels, width + 2 * pixels), fill)
    padded[:, pixels : pixels + height, pixels : pixels + width] = image
    steps = range(2 * pixels + 1)
    return torch.stack([padded[:, y : y + height, x : x + width] for y in steps for x in steps])


@pytest.mark.parametrize(("pixels", "fill"), [(0, 0.0), (1, 0.0), (2, 0.5)])
def test_all_shifts_occur_about_equally_often_and_nothing_else(pixels, fill):
    """4,000 draws of k versions: each count is within 5 standard deviations, 5 * sqrt(4000 / k), of its mean 4000 / k."""
    torch.manual_seed(0)
    image = torch.rand(2, 5, 4)
    out, labels = shift(image.expand(4000, 2, 5, 4), torch.arange(4000), pixels=pixels, fill=fill)
    which = (out.unsqueeze(1) == versions(image, pixels, fill)).flatten(2).all(2)
    assert (which.sum(1) == 1).all()
    assert (which.sum(0) - 4000 / which.shape[1]).abs().max() <= 5 * (4000 / which.shape[1]) ** 0.5
    assert torch.equal(labels, torch.arange(4000))


def test_images_of_a_batch_move_independently():
    torch.manual_seed(0)
    images = torch.zeros(64, 1, 9, 9)
    images[:, :, 4, 4] = 1
    out = shift(images, torch.zeros(64), pixels=1, fill=0.0)[0]
    assert len(out.unique(dim=0)) == 9


def test_a_negative_shift_is_rejected():
    with pytest.raises(ValueError, match="shift: pixels must be at least 0; got -1"):
        shift(torch.zeros(1, 1, 4, 4), torch.zeros(1), pixels=-1, fill=0.0)

"""Moving pixels by affine maps, against Pillow."""

import pytest
import torch
from torch.nn import functional

from snnx.augmentation.warp import about_centre, turn, warp


def picture():
    """A smooth colour picture, on which two ways of interpolating differ little."""
    noise = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    return functional.interpolate(noise, size=(32, 32), mode="bicubic", align_corners=False).clamp(0, 1).mul(255).round() / 255


MAPS = {
    "rotate": lambda: about_centre(turn(torch.tensor([torch.pi * 0.15])), 32, 32),
    "shear": lambda: torch.tensor([[[1.0, 0.27, 0.0], [0.0, 1.0, 0.0]]]),
    "translate": lambda: torch.tensor([[[1.0, 0.0, 12.96], [0.0, 1.0, 0.0]]]),
}


@pytest.mark.parametrize("name", MAPS)
def test_maps_mean_what_pillows_affine_transform_says(name):
    """The mean difference of pixels is below half a per cent; Pillow's bicubic kernel is slightly different."""
    image = pytest.importorskip("PIL.Image")
    x, maps = picture(), MAPS[name]()
    pillow = image.fromarray((x[0].permute(1, 2, 0) * 255).round().byte().numpy())
    moved = pillow.transform(
        pillow.size, image.Transform.AFFINE, maps.flatten().tolist(), image.Resampling.BICUBIC, fillcolor=(128, 128, 128)
    )
    theirs = torch.frombuffer(bytearray(moved.tobytes()), dtype=torch.uint8).view(32, 32, 3).permute(2, 0, 1) / 255
    ours = warp(x, maps, mode="bicubic", fill=128 / 255).clamp(0, 1)[0]
    inside = (ours - theirs).abs().flatten().sort().values[: int(0.9 * ours.numel())]  # at the edge Pillow does not blend
    assert inside.mean() < 0.005
    assert (x[0] - theirs).abs().mean() > 0.05


def test_nearest_moves_whole_pixels():
    x = torch.arange(12.0).view(1, 1, 3, 4)
    out = warp(x, torch.tensor([[[1.0, 0.0, 1.0], [0.0, 1.0, -1.0]]]), mode="nearest", fill=-1.0)
    assert out[0, 0].tolist() == [[-1, -1, -1, -1], [1, 2, 3, -1], [5, 6, 7, -1]]

"""Moves the pixels of each sample by a separate affine map."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional


def warp(images: Tensor, maps: Tensor, *, mode: Literal["nearest", "bicubic"], fill: Tensor | float = 0.0) -> Tensor:
    """Return images whose pixel at (x, y) is that of the input at `maps @ (x, y, 1)`.

    Coordinates are in pixels from the upper left corner; the centre of the first pixel is (1/2, 1/2), as in Pillow. A pixel
    from outside the image is `fill`.

    Shape:
        images `[B, C, H, W]` and maps `[B, 2, 3]` to `[B, C, H, W]`.

    Args:
        images: the batch.
        maps: an affine map of each sample.
        mode: interpolation between the pixels of the input.
        fill: value from outside, one or `[C, 1, 1]`.

    Example:
        >>> one_to_the_right = torch.tensor([[[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]]])
        >>> warp(torch.tensor([[[[1.0, 2.0, 3.0]]]]), one_to_the_right, mode="nearest").flatten().tolist()
        [0.0, 1.0, 2.0]
    """
    height, width = images.shape[2:]
    y, x = (torch.arange(side, device=images.device) + 0.5 for side in (height, width))
    here = torch.stack([*torch.meshgrid(x, y, indexing="xy"), torch.ones(height, width, device=images.device)], -1)
    there = here.view(1, -1, 3) @ maps.to(here).transpose(1, 2)
    grid = (2 * there / pair(there, width, height) - 1).view(len(images), height, width, 2)
    return functional.grid_sample(images - fill, grid.to(images.dtype), mode=mode, align_corners=False) + fill


def about_centre(linear: Tensor, height: int, width: int) -> Tensor:
    """Return the maps `[B, 2, 3]` that apply a linear map `[B, 2, 2]` about the centre of the image.

    Example:
        >>> half_turn = torch.tensor([[[-1.0, 0.0], [0.0, -1.0]]])
        >>> about_centre(half_turn, 2, 4).tolist()
        [[[-1.0, 0.0, 4.0], [0.0, -1.0, 2.0]]]
    """
    centre = pair(linear, width / 2, height / 2)
    return torch.cat([linear, (centre - linear @ centre).unsqueeze(2)], 2)


def turn(angle: Tensor) -> Tensor:
    """Return the linear maps `[B, 2, 2]` of a rotation by angles `[B]` in radians.

    Example:
        >>> turn(torch.tensor([torch.pi / 2])).round().abs().tolist()
        [[[0.0, 1.0], [1.0, 0.0]]]
    """
    return torch.stack([angle.cos(), angle.sin(), -angle.sin(), angle.cos()], 1).view(-1, 2, 2)


def pair(like: Tensor, first: float, second: float) -> Tensor:
    """Return two numbers, `[2]`, of the type of `like`; they are made on its device, since a copy would make the host wait.

    Example:
        >>> pair(torch.zeros(1), 3, 0.5).tolist()
        [3.0, 0.5]
    """
    return torch.stack([like.new_full((), first), like.new_full((), second)])

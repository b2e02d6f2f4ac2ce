"""A square at a random place of each sample, which a cutout sets to 0."""

import torch
from torch import Tensor


def hole(batch: int, height: int, width: int, side: int, device: torch.device) -> Tensor:
    """Draw the centre of a square for each sample, and return which pixels lie in it.

        hole[b, y, x] = y - y0_b and x - x0_b lie in [-side / 2, side / 2),  y0 ~ U{0 .. H - 1}, x0 ~ U{0 .. W - 1}

    The part of a square that lies outside the frame is lost, so that some are smaller.

    Shape:
        `[batch, height, width]`, bool.

    Args:
        batch, height, width: of the images.
        side: of the square in pixels, at least 0.
        device: where the places are drawn, with torch's global generator.

    Source: DeVries and Taylor 2017, Improved regularization of convolutional neural networks with cutout.

    Example:
        >>> hole(100, 8, 8, 4, torch.device("cpu")).sum((1, 2)).unique().tolist()       # 16 pixels, or fewer at a border
        [4, 6, 8, 9, 12, 16]
    """
    y0, x0 = (torch.randint(length, (batch, 1, 1), device=device) for length in (height, width))
    row, column = torch.arange(height, device=device).view(-1, 1), torch.arange(width, device=device)
    return _within(row - y0, side) & _within(column - x0, side)


def _within(offset: Tensor, side: int) -> Tensor:
    return (-side <= 2 * offset) & (2 * offset < side)

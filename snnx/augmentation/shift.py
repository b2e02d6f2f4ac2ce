"""A random shift by whole pixels."""

import torch
from torch import Tensor
from torch.nn import functional


def shift(images: Tensor, labels: Tensor, *, pixels: int, fill: float) -> tuple[Tensor, Tensor]:
    """Move each image by at most `pixels` in each direction; no value is interpolated, and nothing is mirrored.

        out[b, :, i, j] = padded[b, :, dy_b + i, dx_b + j],  dy, dx ~ U{0 .. 2 * pixels}, drawn for each image

    where `padded` has `pixels` more on each side. The whole batch is one gather on its own device. The random numbers come from
    torch's global generator.

    Shape:
        images `[B, C, H, W]` and labels `[B]` to the same.

    Args:
        images: the batch.
        labels: returned unchanged.
        pixels: largest shift, at least 0.
        fill: value of the pixels that are moved in from outside; 0 is black if the images are not normalised.

    Raises:
        ValueError: `pixels` is negative.

    Example:
        >>> images, labels = shift(torch.ones(2, 1, 28, 28), torch.tensor([3, 7]), pixels=1, fill=0.0)
        >>> images.shape, labels.tolist()
        (torch.Size([2, 1, 28, 28]), [3, 7])
    """
    if pixels < 0:
        raise ValueError(f"shift: pixels must be at least 0; got {pixels}")
    batch, channels, height, width = images.shape
    device = images.device
    padded = functional.pad(images, [pixels] * 4, value=fill)
    dy, dx = torch.randint(2 * pixels + 1, (2, batch, 1), device=device)
    rows, columns = dy + torch.arange(height, device=device), dx + torch.arange(width, device=device)
    b = torch.arange(batch, device=device).view(-1, 1, 1, 1)
    c = torch.arange(channels, device=device).view(1, -1, 1, 1)
    return padded[b, c, rows[:, None, :, None], columns[:, None, None, :]], labels

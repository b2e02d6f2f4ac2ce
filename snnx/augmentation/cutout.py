"""The usual augmentation of CIFAR images and a cutout: a random shift, a random mirror, and a square without content."""

import torch
from torch import Tensor

from snnx.augmentation.crop_flip import crop_flip
from snnx.augmentation.hole import hole


def cutout(images: Tensor, labels: Tensor, *, padding: int, fill: float, side: int) -> tuple[Tensor, Tensor]:
    """Shift and mirror each image as `crop_flip` does, then set a square at a random place of it to `fill`.

        out[b, :, y, x] = fill where y - y0_b and x - x0_b lie in [-side / 2, side / 2),  y0, x0 ~ U over the image

    A square may lie in part outside the image. The random numbers come from torch's global generator.

    Shape:
        images `[B, C, H, W]` and labels `[B]` to the same.

    Args:
        images: the batch.
        labels: returned unchanged.
        padding, fill: see `crop_flip`; `fill` is also the value of the square.
        side: side of the square in pixels, at least 0; 16 in the paper's training on CIFAR-10, and 8 on CIFAR-100.

    Raises:
        ValueError: `padding` or `side` is negative.

    Source:
        DeVries and Taylor 2017, Improved regularization of convolutional neural networks with cutout. Their square is 0 after
        images are normalised, which is the mean of the data; here, as in the code of DT-SNN, it is `fill` before.

    Example:
        >>> images, labels = cutout(torch.ones(2, 3, 32, 32), torch.tensor([3, 7]), padding=0, fill=0.0, side=16)
        >>> bool((images == 0).sum((2, 3)).max() <= 256), images.unique().tolist(), labels.tolist()
        (True, [0.0, 1.0], [3, 7])
    """
    if side < 0:
        raise ValueError(f"cutout: side must be at least 0; got {side}")
    images, labels = crop_flip(images, labels, padding=padding, fill=fill)
    square = hole(len(images), *images.shape[2:], side, images.device)
    return torch.where(square.unsqueeze(1), fill, images), labels

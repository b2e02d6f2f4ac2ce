"""The usual augmentation of CIFAR images: a random shift and a random mirror."""

import torch
from torch import Tensor

from snnx.augmentation.shift import shift


def crop_flip(images: Tensor, labels: Tensor, *, padding: int, fill: float) -> tuple[Tensor, Tensor]:
    """Pad each image, crop a window of the original size at a random place, and mirror it left to right with probability 1/2.

        out[b, :, i, j] = padded[b, :, dy_b + i, dx_b + j'],  j' = W - 1 - j if flip_b else j
        dy, dx ~ U{0 .. 2 * padding},  flip ~ Bernoulli(1/2),  drawn for each image

    The random numbers come from torch's global generator.

    Shape:
        images `[B, C, H, W]` and labels `[B]` to the same.

    Args:
        images: the batch.
        labels: returned unchanged.
        padding: pixels added on each side, at least 0.
        fill: value of the padding; 0 is black if the images are not normalised.

    Raises:
        ValueError: `padding` is negative.

    Source:
        He, Zhang, Ren and Sun 2016, Deep residual learning for image recognition, section 4.2.

    Example:
        >>> images, labels = crop_flip(torch.ones(2, 3, 32, 32), torch.tensor([3, 7]), padding=4, fill=0.0)
        >>> images.shape, labels.tolist()
        (torch.Size([2, 3, 32, 32]), [3, 7])
    """
    if padding < 0:
        raise ValueError(f"crop_flip: padding must be at least 0; got {padding}")
    cropped, labels = shift(images, labels, pixels=padding, fill=fill)
    flip = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(flip, cropped.flip(-1), cropped), labels

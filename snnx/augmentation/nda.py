"""Neuromorphic data augmentation: only changes that make sense for events, such as shifts and rotations."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms import v2

from snnx.augmentation.hole import hole

CHANGES = ("roll", "rotate", "shear", "cutout")


def nda(
    images: Tensor,
    labels: Tensor,
    *,
    flip: float,
    choices: Sequence[str] = CHANGES,
    roll: int,
    rotate: float,
    shear: float,
    cutout: int,
    mixup: float,
    classes: int | None,
) -> tuple[Tensor, Tensor]:
    """Mirror each sample left to right with probability `flip`, then apply one of the changes in `choices` to it.

        roll    out[y, x] = in[(y - dy) mod H, (x - dx) mod W],  dy, dx ~ U{-roll .. roll}
        rotate  out[c + r] = in[c + R(a) r],                     a ~ U(-rotate, rotate), c the centre
        shear   out[y, x] = in[y, x - tan(a) (y - c_y)],         a ~ U(-shear, shear)
        cutout  out[y, x] = 0 where y - y0 and x - x0 lie in [-cutout / 2, cutout / 2),  y0, x0 ~ U over the frame

    One of `choices` and its setting are drawn for each sample; all channels of the sample, and so all its time steps, are
    changed alike. A change that is set to 0 is drawn as often as the others, and changes nothing. Each output pixel takes the
    value of the nearest input pixel, and pixels from outside the frame are 0. The whole batch is one gather on its own device.
    If `mixup` > 0, pairs of samples are then mixed and labels become probabilities.

    Shape:
        images `[B, C, H, W]` and labels `[B]` to the same; with mixup the labels become `[B, classes]`.

    Args:
        images, labels: the batch.
        flip: probability, in [0, 1].
        choices: the changes of which each sample gets one, with equal probability; settings of others are not used.
        roll: largest shift in pixels, at least 0.
        rotate, shear: largest angle in degrees, in [0, 90).
        cutout: side of the black square in pixels, at least 0.
        mixup: alpha of the Beta distribution from which the share of each partner is drawn; 0 for no mixup.
        classes: number of classes of the data set; needed with mixup.

    Raises:
        ValueError: an argument is outside its range, `choices` is empty or has an unknown change or one twice, or `mixup` is
            positive and `classes` is `None`.

    Source:
        Li, Kim, Park, Geller and Panda 2022, Neuromorphic data augmentation for training spiking neural networks. Their code
        (Intelligent-Computing-Lab-Yale/NDA_SNN, `functions/data_loaders.py`) chooses between roll, rotate and shear.

    Example:
        >>> off = {"flip": 0.0, "roll": 0, "rotate": 0.0, "shear": 0.0, "cutout": 0, "mixup": 0.0, "classes": None}
        >>> images = torch.rand(4, 2, 6, 6)
        >>> torch.equal(nda(images, torch.arange(4), **off)[0], images)
        True
    """
    if not 0 <= flip <= 1:
        raise ValueError(f"nda: flip must lie in [0, 1]; got {flip}")
    if not choices or len(set(choices)) < len(choices) or not set(choices) <= set(CHANGES):
        raise ValueError(f"nda: choices must be one or several of {', '.join(CHANGES)}, each once; got {choices}")
    if roll < 0 or cutout < 0 or mixup < 0:
        raise ValueError(f"nda: roll, cutout and mixup must be at least 0; got {roll}, {cutout} and {mixup}")
    if not (0 <= rotate < 90 and 0 <= shear < 90):
        raise ValueError(f"nda: rotate and shear must lie in [0, 90) degrees; got {rotate} and {shear}")
    if mixup and classes is None:
        raise ValueError("nda: classes must be the number of classes of the data set if mixup > 0; got null")
    batch, channels, height, width = images.shape
    device = images.device
    which = torch.randint(len(choices), (batch, 1, 1), device=device)
    gets = {name: which == (choices.index(name) if name in choices else -1) for name in CHANGES}
    a = torch.deg2rad(_uniform(which, rotate)) * gets["rotate"]
    b = torch.deg2rad(_uniform(which, shear)).tan() * gets["shear"]
    row, column = torch.arange(height, device=device).view(-1, 1), torch.arange(width, device=device)
    dy, dx = row - (height - 1) / 2, column - (width - 1) / 2
    y = (a.cos() * dy - a.sin() * dx + (height - 1) / 2).round().long()
    x = (a.sin() * dy + a.cos() * dx - b * dy + (width - 1) / 2).round().long()
    seen = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    seen &= ~(gets["cutout"] & hole(batch, height, width, cutout, device))
    shift_y, shift_x = (torch.randint(-roll, roll + 1, (batch, 1, 1), device=device) * gets["roll"] for _ in range(2))
    y, x = (y - shift_y) % height, (x - shift_x) % width  # gather needs an index within the frame; `seen` zeroes those outside
    x = torch.where(torch.rand(batch, 1, 1, device=device) < flip, width - 1 - x, x)
    source = (y * width + x).view(batch, 1, -1).expand(-1, channels, -1)
    out = images.flatten(2).gather(2, source).view_as(images) * seen.unsqueeze(1)
    return v2.MixUp(alpha=mixup, num_classes=classes)(out, labels) if mixup else (out, labels)


def _uniform(like: Tensor, largest: float) -> Tensor:
    """Draw one number of U(-largest, largest) for each sample."""
    return (2 * torch.rand(like.shape, device=like.device) - 1) * largest

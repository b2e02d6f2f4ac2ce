"""The augmentation of Spikformer's training on CIFAR: a mirror, one of five operations, erasing, and mixup."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms import v2

from snnx.augmentation.random_erasing import random_erasing
from snnx.augmentation.warp import about_centre, turn, warp

RATIO = (0.3, 1 / 0.3)  # height over width of erased rectangles
LARGEST = 10  # magnitude at which an operation is strongest
ROTATE, SHEAR, TRANSLATE = torch.pi / 6, 0.3, 0.45  # radians, share of the height, share of the side; at the largest magnitude


def spikformer(
    images: Tensor,
    labels: Tensor,
    *,
    flip: float,
    probability: float,
    magnitude: float,
    magnitude_std: float,
    erase: float,
    background: float | Sequence[float],
    mixup: float,
    classes: int | None,
) -> tuple[Tensor, Tensor]:
    """Mirror each sample with probability `flip`, apply one of five operations with `probability`, erase, and mix the batch.

        equalize     a histogram of 256 grey levels that is as flat as possible, in each channel
        rotate       by ±30° * m / 10
        shear        x' = x ± 0.3 m / 10 * y,  y from the upper edge
        translate    along x, or along y, by ±0.45 m / 10 of the side
        m ~ N(magnitude, magnitude_std) within 0..10, drawn for each sample; the operation and its sign are drawn, too

    Moved pixels are interpolated (bicubic). Then a rectangle is set to `background` with probability `erase`. If `mixup` > 0,
    pairs of samples are mixed and labels become probabilities. The random numbers come from torch's global generator.

    Shape:
        images `[B, C, H, W]` and labels `[B]` to the same; with mixup the labels become `[B, classes]`.

    Args:
        images, labels: the batch; images in [0, 1].
        flip, probability, erase: probabilities, in [0, 1].
        magnitude: mean strength of an operation, in [0, 10].
        magnitude_std: standard deviation of the strength, at least 0.
        background: value of erased pixels and of pixels from outside, one or one per channel; in the code the mean of the data
            set, which is 0 after normalising.
        mixup: alpha of the Beta distribution from which the share of each partner is drawn; 0 for no mixup.
        classes: number of classes of the data set; needed with mixup.

    Raises:
        ValueError: an argument is outside its range, or `mixup` is positive and `classes` is `None`.

    Source: the code of Spikformer (ZK-Zhou/spikformer, cifar10), whose list of operations is its own and not that of
        RandAugment. It rounds images to 256 levels after each operation; here only equalize does.

    Example:
        >>> off = {"flip": 0.0, "probability": 0.0, "magnitude": 9.0, "magnitude_std": 0.4, "erase": 0.0, "background": 0.5}
        >>> images = torch.rand(4, 3, 6, 6)
        >>> torch.equal(spikformer(images, torch.arange(4), **off, mixup=0.0, classes=None)[0], images)
        True
    """
    if not all(0 <= share <= 1 for share in (flip, probability, erase)):
        raise ValueError(f"spikformer: flip, probability and erase must lie in [0, 1]; got {flip}, {probability} and {erase}")
    if not 0 <= magnitude <= LARGEST or magnitude_std < 0:
        raise ValueError(
            f"spikformer: magnitude must be in [0, {LARGEST}] and magnitude_std at least 0; got {magnitude} and {magnitude_std}"
        )
    if mixup < 0:
        raise ValueError(f"spikformer: mixup must be at least 0; got {mixup}")
    if mixup and classes is None:
        raise ValueError("spikformer: classes must be the number of classes of the data set if mixup > 0; got null")
    batch, channels, height, width = images.shape
    device = images.device
    values = background if isinstance(background, Sequence) else [background]
    filled = torch.stack([images.new_full((1, 1), value) for value in values])  # no copy, which would wait for a GPU
    if len(filled) not in (1, channels):
        raise ValueError(f"spikformer: background must be one value or one for each of {channels} channels; got {background}")
    mirrored = torch.rand(batch, 1, 1, 1, device=device) < flip
    images = torch.where(mirrored, images.flip(-1), images)
    which = torch.randint(5, (batch,), device=device)
    which = torch.where(torch.rand(batch, device=device) < probability, which, -1)
    strength = (magnitude + magnitude_std * torch.randn(batch, device=device)).clamp(0, LARGEST) / LARGEST
    strength = torch.where(torch.rand(batch, device=device) < 0.5, strength, -strength)
    maps = about_centre(turn(ROTATE * strength * (which == 1)), height, width)
    maps[:, 0, 1] += SHEAR * strength * (which == 2)
    maps[:, 0, 2] += TRANSLATE * width * strength * (which == 3)
    maps[:, 1, 2] += TRANSLATE * height * strength * (which == 4)
    moved = warp(images, maps, mode="bicubic", fill=filled).clamp(0, 1)
    images = torch.where((which > 0).view(-1, 1, 1, 1), moved, images)
    images = _equalized(images, which == 0)
    images = _erased(images, erase, filled) if erase else images
    return v2.MixUp(alpha=mixup, num_classes=classes)(images, labels) if mixup else (images, labels)


def _equalized(images: Tensor, chosen: Tensor) -> Tensor:
    """Equalize the chosen images; on a GPU all are computed, since selecting some would make the host wait."""
    if images.device.type != "cpu":
        return torch.where(chosen.view(-1, 1, 1, 1), v2.functional.equalize(images), images)
    if chosen.any():
        images[chosen] = v2.functional.equalize(images[chosen])
    return images


def _erased(images: Tensor, probability: float, filled: Tensor) -> Tensor:
    """Erase rectangles.

    On a CPU, one image is done at a time, so that the random draws match the recorded runs; on a GPU, all are done at once.
    """
    if images.device.type != "cpu":
        return random_erasing(images, probability, fill=filled, ratio=RATIO)
    rub = v2.RandomErasing(probability, ratio=RATIO, value=filled.flatten().tolist())
    return torch.stack([rub(image) for image in images])

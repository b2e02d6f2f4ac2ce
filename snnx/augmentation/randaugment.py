"""The augmentation used to train vision transformers: mirror, RandAugment, random erasing, then mixup or cutmix."""

from typing import Literal

import torch
from torch import Tensor
from torchvision.transforms import v2

from snnx.augmentation.rand_operation import OPERATIONS, rand_operation
from snnx.augmentation.random_erasing import random_erasing

BINS = 30  # largest magnitude of torchvision's RandAugment


def randaugment(
    images: Tensor,
    labels: Tensor,
    *,
    flip: float,
    operations: int,
    magnitude: float,
    magnitude_std: float,
    erase: float,
    fill: float,
    interpolation: Literal["nearest", "bicubic"],
    mixup: float,
    cutmix: float,
    classes: int | None,
) -> tuple[Tensor, Tensor]:
    """Augment each sample on its own, all samples of the batch at once, then mix pairs of samples.

        mirror left to right with probability flip
        RandAugment: `operations` of 14, of a magnitude round(N(magnitude, magnitude_std)), within 0..30; see `rand_operation`
        a rectangle set to `fill` with probability erase; see `random_erasing`
        mixup (share ~ Beta(mixup, mixup)) or cutmix (share ~ Beta(cutmix, cutmix)); if both are on, one of them for each batch

    If samples are mixed, labels become probabilities. The random numbers come from torch's global generator.

    Shape:
        images `[B, C, H, W]` and labels `[B]` to the same; with mixup or cutmix the labels become `[B, classes]`.

    Args:
        images, labels: the batch; images in [0, 1], with 1 or 3 channels.
        flip, erase: probabilities, in [0, 1].
        operations: number of RandAugment operations applied one after another, at least 0.
        magnitude: mean strength of an operation, in [0, 30]; timm's m9 (of 10) is 27.
        magnitude_std: standard deviation of the strength, at least 0; timm's mstd0.4 is 1.2.
        fill: value of erased pixels and of pixels moved in from outside; 0.5 is near the mean of most images.
        interpolation: how pixels are moved, `nearest` or `bicubic`.
        mixup, cutmix: alpha of the Beta distribution from which the share of each partner is drawn; 0 turns it off.
        classes: number of classes of the data set; needed with mixup or cutmix.

    Raises:
        ValueError: an argument is outside its range, or `mixup` or `cutmix` is positive and `classes` is `None`.

    Source:
        Cubuk et al. 2020 (RandAugment), Zhong et al. 2020 (erasing), Zhang et al. 2018 (mixup), Yun et al. 2019 (cutmix).

    Example:
        >>> off = {"flip": 0.0, "operations": 0, "magnitude": 0.0, "magnitude_std": 0.0, "erase": 0.0}
        >>> moved = {"fill": 0.5, "interpolation": "nearest"}
        >>> images = torch.rand(4, 3, 6, 6)
        >>> mixed, soft = randaugment(images, torch.arange(4), **off, **moved, mixup=0.5, cutmix=0.0, classes=4)
        >>> soft.shape, soft.sum(1).round(decimals=4).tolist()
        (torch.Size([4, 4]), [1.0, 1.0, 1.0, 1.0])
    """
    if not (0 <= flip <= 1 and 0 <= erase <= 1):
        raise ValueError(f"randaugment: flip and erase must lie in [0, 1]; got {flip} and {erase}")
    if operations < 0 or not 0 <= magnitude <= BINS or magnitude_std < 0:
        raise ValueError(
            f"randaugment: operations and magnitude_std must be at least 0, and magnitude in [0, {BINS}]; "
            f"got {operations}, {magnitude_std} and {magnitude}"
        )
    if interpolation not in ("nearest", "bicubic"):
        raise ValueError(f"randaugment: interpolation must be nearest or bicubic; got {interpolation}")
    if mixup < 0 or cutmix < 0:
        raise ValueError(f"randaugment: mixup and cutmix must be at least 0; got {mixup} and {cutmix}")
    if (mixup or cutmix) and classes is None:
        raise ValueError("randaugment: classes must be the number of classes of the data set if mixup or cutmix > 0; got null")
    batch, device = len(images), images.device
    images = torch.where(torch.rand(batch, 1, 1, 1, device=device) < flip, images.flip(-1), images)
    strength = (magnitude + magnitude_std * torch.randn(batch)).round().clamp(0, BINS) / BINS
    for _ in range(operations):
        sign = torch.where(torch.rand(batch) < 0.5, -1.0, 1.0)
        which = torch.randint(len(OPERATIONS), (batch,))
        images = rand_operation(images, which, sign * strength, fill=fill, interpolation=interpolation)
    images = random_erasing(images, erase, fill=fill) if erase else images
    mixes = [mix(alpha=alpha, num_classes=classes) for mix, alpha in ((v2.MixUp, mixup), (v2.CutMix, cutmix)) if alpha]
    return v2.RandomChoice(mixes)(images, labels) if mixes else (images, labels)

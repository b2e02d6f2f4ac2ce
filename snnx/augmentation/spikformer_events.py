"""The augmentation of Spikformer's training on event data: a mirror, one of six operations, and mixup of some batches."""

import torch
from torch import Tensor
from torchvision.transforms import v2

from snnx.augmentation.random_erasing import random_erasing
from snnx.augmentation.warp import about_centre, turn, warp

SMALLEST = 0.001  # share of the frame that a cutout has at least


def spikformer_events(
    images: Tensor,
    labels: Tensor,
    *,
    flip: float,
    translate: float,
    rotate: float,
    shear: float,
    cutout: float,
    mixup: float,
    mixup_probability: float,
    classes: int | None,
) -> tuple[Tensor, Tensor]:
    """Mirror each sample left to right with probability `flip`, then apply one of six operations, and mix some batches.

        nothing
        shear       along x by an angle of U(-shear, shear), about the centre
        translate   along x, or along y, by U(-translate, translate) pixels
        rotate      by an angle of U(-rotate, rotate), about the centre
        cutout      a square whose share of the frame is U(0.001, cutout), set to 0

    For each sample, one of the six and its setting are drawn at random; all channels of the sample, and so all its time steps,
    are changed alike. Each output pixel takes the value of the nearest input pixel, and pixels from outside the frame are 0.
    With `mixup_probability`, the pairs of samples of a batch are mixed; labels become probabilities in every batch.

    Shape:
        images `[B, C, H, W]` and labels `[B]` to the same; with mixup the labels become `[B, classes]`.

    Args:
        images, labels: the batch.
        flip, mixup_probability: probabilities, in [0, 1].
        translate: largest shift in pixels, at least 0.
        rotate, shear: largest angle in degrees, in [0, 90).
        cutout: largest share of the frame that is set to 0, in [0.001, 1].
        mixup: alpha of the Beta distribution from which the share of each partner is drawn; 0 for no mixup.
        classes: number of classes of the data set; needed with mixup.

    Raises:
        ValueError: an argument is outside its range, or `mixup` is positive and `classes` is `None`.

    Source: the code of Spikformer (ZK-Zhou/spikformer, cifar10dvs). Neuromorphic data augmentation (Li et al., 2022), which it
        follows, rolls instead of shifting and always changes a sample; see `nda`.

    Example:
        >>> off = {"flip": 0.0, "translate": 0.0, "rotate": 0.0, "shear": 0.0, "mixup": 0.0, "mixup_probability": 0.0}
        >>> images = torch.ones(600, 2, 6, 6)
        >>> out = spikformer_events(images, torch.arange(600), **off, cutout=0.11, classes=None)[0]
        >>> changed = (out != images).flatten(1).any(1).float().mean()          # one in six gets a cutout
        >>> bool(0.05 < changed < 0.25)
        True
    """
    if not (0 <= flip <= 1 and 0 <= mixup_probability <= 1):
        raise ValueError(
            f"spikformer_events: flip and mixup_probability must lie in [0, 1]; got {flip} and {mixup_probability}"
        )
    if translate < 0 or mixup < 0:
        raise ValueError(f"spikformer_events: translate and mixup must be at least 0; got {translate} and {mixup}")
    if not (0 <= rotate < 90 and 0 <= shear < 90):
        raise ValueError(f"spikformer_events: rotate and shear must lie in [0, 90) degrees; got {rotate} and {shear}")
    if not SMALLEST <= cutout <= 1:
        raise ValueError(f"spikformer_events: cutout must be a share of the frame in [{SMALLEST}, 1]; got {cutout}")
    if mixup and classes is None:
        raise ValueError("spikformer_events: classes must be the number of classes of the data set if mixup > 0; got null")
    batch, _, height, width = images.shape
    device = images.device
    mirrored = torch.rand(batch, 1, 1, 1, device=device) < flip
    images = torch.where(mirrored, images.flip(-1), images)
    which = torch.randint(6, (batch,), device=device)  # 0 nothing, 1 shear, 2 and 3 translate, 4 rotate, 5 cutout
    strength = 2 * torch.rand(batch, device=device) - 1
    linear = turn(torch.deg2rad(rotate * strength) * (which == 4))
    linear[:, 0, 1] += torch.deg2rad(shear * strength).tan() * (which == 1)
    maps = about_centre(linear, height, width)
    maps[:, 0, 2] += translate * strength * (which == 2)
    maps[:, 1, 2] += translate * strength * (which == 3)
    moves = ((which > 0) & (which < 5)).view(-1, 1, 1, 1)
    images = torch.where(moves, warp(images, maps, mode="nearest"), images)
    images = _cut_out(images, which == 5, cutout)
    if not mixup:
        return images, labels
    if torch.rand(()) < mixup_probability:
        return v2.MixUp(alpha=mixup, num_classes=classes)(images, labels)
    return images, torch.nn.functional.one_hot(labels.long(), classes).to(images.dtype)


def _cut_out(images: Tensor, chosen: Tensor, largest: float) -> Tensor:
    """Cut squares out of the chosen images.

    On a CPU, images are cut one at a time, so that the random draws match the recorded runs; on a GPU, all are cut at once.
    """
    area, ratio = (SMALLEST, largest), (1.0, 1.0)
    if images.device.type != "cpu":
        return torch.where(chosen.view(-1, 1, 1, 1), random_erasing(images, 1.0, fill=0.0, area=area, ratio=ratio), images)
    if chosen.any():
        rub = v2.RandomErasing(1.0, scale=area, ratio=ratio, value=0.0)
        images[chosen] = torch.stack([rub(image) for image in images[chosen]])
    return images

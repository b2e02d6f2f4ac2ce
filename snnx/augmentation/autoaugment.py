"""AutoAugment: pairs of operations that were searched for on CIFAR-10, between the usual shift and mirror and a cutout."""

from typing import Literal

import torch
from torch import Tensor

from snnx.augmentation.crop_flip import crop_flip
from snnx.augmentation.hole import hole
from snnx.augmentation.rand_operation import OPERATIONS, rand_operation

LARGEST = 9  # magnitude at which an operation is strongest
POLICY: tuple[tuple[tuple[str, float, int], tuple[str, float, int]], ...] = (
    (("invert", 0.1, 0), ("contrast", 0.2, 6)),
    (("rotate", 0.7, 2), ("translate_x", 0.3, 9)),
    (("sharpness", 0.8, 1), ("sharpness", 0.9, 3)),
    (("shear_y", 0.5, 8), ("translate_y", 0.7, 9)),
    (("autocontrast", 0.5, 0), ("equalize", 0.9, 0)),
    (("shear_y", 0.2, 7), ("posterize", 0.3, 7)),
    (("color", 0.4, 3), ("brightness", 0.6, 7)),
    (("sharpness", 0.3, 9), ("brightness", 0.7, 9)),
    (("equalize", 0.6, 0), ("equalize", 0.5, 0)),
    (("contrast", 0.6, 7), ("sharpness", 0.6, 5)),
    (("color", 0.7, 7), ("translate_x", 0.5, 8)),
    (("equalize", 0.3, 0), ("autocontrast", 0.4, 0)),
    (("translate_y", 0.4, 3), ("sharpness", 0.2, 6)),
    (("brightness", 0.9, 6), ("color", 0.2, 8)),
    (("solarize", 0.5, 2), ("invert", 0.0, 0)),
    (("equalize", 0.2, 0), ("autocontrast", 0.6, 0)),
    (("equalize", 0.2, 0), ("equalize", 0.6, 0)),
    (("color", 0.9, 9), ("equalize", 0.6, 0)),
    (("autocontrast", 0.8, 0), ("solarize", 0.2, 8)),
    (("brightness", 0.1, 3), ("color", 0.7, 0)),
    (("solarize", 0.4, 5), ("autocontrast", 0.9, 0)),
    (("translate_y", 0.9, 9), ("translate_y", 0.7, 9)),
    (("autocontrast", 0.9, 0), ("solarize", 0.8, 3)),
    (("equalize", 0.8, 0), ("invert", 0.1, 0)),
    (("translate_y", 0.7, 9), ("autocontrast", 0.9, 0)),
)
"""The 25 pairs, each operation with its probability and its magnitude in 0..9; 0 for those that have no magnitude."""


def autoaugment(
    images: Tensor,
    labels: Tensor,
    *,
    padding: int,
    fill: float,
    background: float,
    interpolation: Literal["nearest", "bicubic"],
    cutout: int,
) -> tuple[Tensor, Tensor]:
    """Shift and mirror each image as `crop_flip` does, apply one of 25 pairs of operations, and set a square to `fill`.

    One of the pairs of `POLICY` is drawn for each image. Each of its two operations is applied with its own probability, first
    one, then the other; see `rand_operation`, where a strength of 1 or -1 is magnitude 9. The sign is drawn. Inverting is
    solarizing with strength 1. All samples of the batch are done at once. The square is that of the option `cutout`. The random
    numbers come from torch's global generator.

    Shape:
        images `[B, C, H, W]` and labels `[B]` to the same.

    Args:
        images: the batch, in [0, 1], with 1 or 3 channels.
        labels: returned unchanged.
        padding, fill: see `crop_flip`; `fill` is also the value of the square.
        background: value of pixels that an operation moves in from outside.
        interpolation: how pixels are moved by an operation, `nearest` or `bicubic`.
        cutout: side of the square in pixels; 0 for no square.

    Raises:
        ValueError: `padding` or `cutout` is negative, or `interpolation` is another.

    Source:
        Cubuk, Zoph, Mane, Vasudevan and Le 2019, AutoAugment: learning augmentation strategies from data, and torchvision's
        `v2.AutoAugment` with the policy for CIFAR-10, which does one image at a time.

    Example:
        >>> settings = {"padding": 4, "fill": 0.0, "background": 0.5, "interpolation": "nearest", "cutout": 16}
        >>> images, labels = autoaugment(torch.rand(2, 3, 32, 32), torch.tensor([3, 7]), **settings)
        >>> images.shape, labels.tolist()
        (torch.Size([2, 3, 32, 32]), [3, 7])
    """
    if cutout < 0:
        raise ValueError(f"autoaugment: cutout must be at least 0; got {cutout}")
    if interpolation not in ("nearest", "bicubic"):
        raise ValueError(f"autoaugment: interpolation must be nearest or bicubic; got {interpolation}")
    images, labels = crop_flip(images, labels, padding=padding, fill=fill)
    for which, strength in drawn(len(images)):
        images = rand_operation(images, which, strength, fill=background, interpolation=interpolation)
    square = hole(len(images), *images.shape[2:], cutout, images.device)
    return torch.where(square.unsqueeze(1), fill, images), labels


def drawn(batch: int) -> list[tuple[Tensor, Tensor]]:
    """Draw the first and the second operation of each sample, as `which` and `strength` of `rand_operation`, on the CPU.

    Example:
        >>> (first, strength), second = drawn(3)
        >>> first.shape, bool((first < len(OPERATIONS)).all()), bool(strength.abs().max() <= 1)
        (torch.Size([3]), True, True)
    """
    pair = torch.randint(len(POLICY), (batch,))
    operations = []
    for place in range(2):
        column = [entry[place] for entry in POLICY]
        which = torch.tensor([OPERATIONS.index("solarize" if name == "invert" else name) for name, _, _ in column])
        strength = torch.tensor([1.0 if name == "invert" else magnitude / LARGEST for name, _, magnitude in column])
        applied = torch.rand(batch) < torch.tensor([probability for _, probability, _ in column])[pair]
        sign = torch.where(torch.rand(batch) < 0.5, -1.0, 1.0)
        operations.append((torch.where(applied, which[pair], OPERATIONS.index("identity")), sign * strength[pair]))
    return operations

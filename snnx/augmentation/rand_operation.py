"""The fourteen operations of RandAugment, one for each sample of a batch."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as transforms

from snnx.augmentation.warp import about_centre, turn, warp

SHEAR, TRANSLATE, ROTATE, BLEND = 0.3, 150 / 331, torch.pi / 6, 0.9  # share of the side, share of the side, radians, factor - 1
MOVES = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
VALUES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "brightness": lambda x, s: _blend(x, torch.zeros_like(x), s),
    "color": lambda x, s: _blend(x, _grey(x) if x.shape[1] == 3 else x, s),
    "contrast": lambda x, s: _blend(x, _grey(x).mean((1, 2, 3), keepdim=True), s),
    "sharpness": lambda x, s: _blend(x, _blurred(x), s),
    "posterize": lambda x, s: _with_levels(x, (8 - 4 * s.abs()).round().exp2()),
    "solarize": lambda x, s: torch.where(x >= 1 - s.abs(), 1 - x, x),
    "autocontrast": lambda x, s: _stretched(x),
    "equalize": lambda x, s: transforms.equalize(x),
}
"""The operations that change values, of images `[N, C, H, W]` and strengths `[N, 1, 1, 1]`."""
OPERATIONS = ("identity", *MOVES, *VALUES)


def rand_operation(
    images: Tensor, which: Tensor, strength: Tensor, *, fill: float, interpolation: Literal["nearest", "bicubic"]
) -> Tensor:
    """Apply one operation to each sample; samples with the same operation are done at once.

    With s = strength:

        shear        x' = x + 0.3 s y from the upper left corner, or y' = y + 0.3 s x
        translate    by the whole number of pixels in 150/331 s of the side
        rotate       by 30° * s about the centre
        brightness, color, contrast, sharpness
                     other + (1 + 0.9 s) (image - other), with black, the grey image, its mean, and a 3x3 blur as `other`
        posterize    8 - round(4 |s|) bits a value
        solarize     1 - value, from a value of 1 - |s| on
        autocontrast, equalize
                     each channel stretched to [0, 1], and with a histogram that is as flat as possible

    Shape:
        images `[B, C, H, W]`, which `[B]` and strength `[B]` to `[B, C, H, W]`.

    Args:
        images: values in [0, 1], with 1 or 3 channels.
        which: the place of each sample's operation in `OPERATIONS`, on the CPU, so that the host need not wait for a GPU.
        strength: strength of each operation in [-1, 1], on the CPU; its sign is the direction of operations that have one.
        fill: value of pixels moved in from outside.
        interpolation: how pixels are moved.

    Source: Cubuk et al., 2020, and torchvision's `v2.RandAugment`, which does one image at a time.

    Example:
        >>> images = torch.tensor([[[[0.2, 0.6]]], [[[0.2, 0.6]]]])
        >>> which = torch.tensor([OPERATIONS.index("autocontrast"), OPERATIONS.index("solarize")])
        >>> rand_operation(images, which, torch.tensor([1.0, 0.5]), fill=0.0, interpolation="nearest").flatten().tolist()
        [0.0, 1.0, 0.2..., 0.399...]
    """
    height, width = images.shape[2:]
    has = {name: which == number for number, name in enumerate(OPERATIONS)}
    maps = about_centre(turn(ROTATE * strength * has["rotate"]), height, width)
    maps[:, 0, 1] += SHEAR * strength * has["shear_x"]
    maps[:, 1, 0] += SHEAR * strength * has["shear_y"]
    maps[:, 0, 2] -= (TRANSLATE * width * strength * has["translate_x"]).trunc()
    maps[:, 1, 2] -= (TRANSLATE * height * strength * has["translate_y"]).trunc()
    order, parts = which.argsort(), {name: int(chosen.sum()) for name, chosen in has.items()}
    table = torch.cat([order.double()[:, None], strength.double()[order, None], maps.double()[order].flatten(1)], 1)
    table = table.pin_memory() if images.is_cuda else table  # the host does not wait for a copy from pinned memory
    table = table.to(images.device, non_blocking=True)
    at, s, maps = table[:, 0].long(), table[:, 1].to(images.dtype).view(-1, 1, 1, 1), table[:, 2:].view(-1, 2, 3)
    out, end = images.clone(), parts["identity"]
    begin, end = end, end + sum(parts[name] for name in MOVES)
    if end > begin:
        made = warp(images[at[begin:end]], maps[begin:end].to(images.dtype), mode=interpolation, fill=fill).clamp(0, 1)
        out.index_copy_(0, at[begin:end], made)
    for name, operation in VALUES.items():
        begin, end = end, end + parts[name]
        if end > begin:
            out.index_copy_(0, at[begin:end], operation(images[at[begin:end]], s[begin:end]))
    return out


def _blend(images: Tensor, other: Tensor, s: Tensor) -> Tensor:
    return (other + (1 + BLEND * s) * (images - other)).clamp(0, 1)


def _grey(images: Tensor) -> Tensor:
    return transforms.rgb_to_grayscale(images, num_output_channels=1)


def _with_levels(images: Tensor, levels: Tensor) -> Tensor:
    return (images * levels).floor().minimum(levels - 1) / levels


def _stretched(images: Tensor) -> Tensor:
    """Return each channel stretched to [0, 1]; a constant one stays. torchvision's function makes the host wait for a GPU."""
    least, most = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    constant = most == least
    return ((images - torch.where(constant, 0.0, least)) / torch.where(constant, 1.0, most - least)).clamp(0, 1)


def _blurred(images: Tensor) -> Tensor:
    """Return images smoothed by a 3x3 kernel with a centre of 5/13 and 1/13 around it; pixels at the border stay."""
    if min(images.shape[2:]) <= 2:
        return images
    kernel = images.new_full((images.shape[1], 1, 3, 3), 1 / 13)
    kernel[:, :, 1, 1] = 5 / 13
    out = images.clone()
    out[:, :, 1:-1, 1:-1] = F.conv2d(images, kernel, groups=images.shape[1])
    return out

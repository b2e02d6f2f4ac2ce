"""Counts the additions and multiplications that the inputs of a layer cause."""

from functools import reduce

import torch
from torch import Tensor, nn

from snnx.energy.fan_out import fan_out, reach, reads
from snnx.energy.quantum import LEVELS, quantum

QUARTERS = (0.25, 0.5, 0.75, 1.0)


@torch.no_grad()
def charge(layer: nn.Conv2d | nn.Linear, x: Tensor) -> Tensor:
    """Return, for each input channel and sample, the sum over all steps of |input| times the number of weights that read it.

    Shape:
        `[T, B, C, H, W]` (convolution) or `[T, B, *, C]` (linear) to `[C, B]`.

    Example:
        >>> charge(nn.Linear(2, 10), torch.tensor([[[1.0, 0.5]], [[1.0, 0.0]]])).tolist()
        [[20.0], [5.0]]
    """
    wide = torch.promote_types(x.dtype, torch.float32)  # a sum in bfloat16 would be rounded
    size = x.abs().sum(0, dtype=wide).double()  # sums in float64 would take ten times as long
    if isinstance(layer, nn.Linear):
        return (size.flatten(1, -2).sum(1) if x.ndim > 3 else size).T * layer.out_features
    total = size.flatten(2) @ reach(layer, x.shape[-2:], x.device).double()
    return total.T * (layer.out_channels // layer.groups)


def units(layer: nn.Conv2d | nn.Linear, x: Tensor) -> Tensor:
    """Return the unit of each input channel, `[C]`; 0 for a silent channel.

    The unit is the largest number of which all values of the channel in this batch are multiples.
    """
    channel = 2 if isinstance(layer, nn.Conv2d) else x.ndim - 1
    rest = [place for place in range(x.ndim) if place != channel]
    size = x.abs()
    silent = size == 0
    if bool((silent | (size == 1)).all()):  # the usual case, which needs no division
        return size.amax(dim=rest).double()
    found = [size == quarter for quarter in QUARTERS]
    if bool(reduce(torch.logical_or, found, silent).all()):  # means of four spikes
        there = [one.view(torch.uint8).amax(dim=rest) for one in found]  # `any` takes ten times as long
        return quantum(torch.stack(there, dim=1) * torch.tensor(QUARTERS, device=x.device))
    return quantum(x.movedim(channel, 0).flatten(1))


def synops(charges: Tensor, unit: Tensor, top: float) -> float | None:
    """Return the number of additions that the charges amount to, or `None` if the inputs are values and not spikes.

        synops = sum over channels of charge / unit

    Any unit can be multiplied into the weights. So a binary, ternary or scaled spike is one addition per
    weight, a graded spike of k units is k additions, and the mean of a window is one addition for each of its spikes.

    Args:
        charges: `charge` of each channel, `[C]`.
        unit: unit of each channel over all inputs, `[C]`.
        top: largest absolute input.

    Example:
        >>> synops(torch.tensor([20.0, 5.0]), torch.tensor([1.0, 0.5]), top=1.0)     # in units of 1/2: 40 and 10
        50.0
    """
    common = float(quantum(unit[None])[0])
    if top == 0:
        return 0.0
    if common * LEVELS >= top:
        return float(charges.sum()) / common
    if bool((unit[unit > 0] * LEVELS < top).any()):
        return None
    return float((charges[unit > 0] / unit[unit > 0]).sum())


@torch.no_grad()
def additions(layer: nn.Conv2d | nn.Linear, x: Tensor) -> Tensor | None:
    """Return the additions of each step and sample, `[T, B]`, with the units of this batch; `None` if the inputs are values.

    Example:
        >>> additions(nn.Linear(2, 10), torch.tensor([[[1.0, 0.5]], [[0.0, 0.5]]])).flatten().tolist()
        [30.0, 10.0]
    """
    if (common := _usual_unit(x)) is not None:
        return reads(layer, x) / common
    unit, top = units(layer, x), float(x.abs().max())
    common = float(quantum(unit[None])[0])
    each = torch.full_like(unit, common) if common * LEVELS >= top else unit
    each = each.where(each > 0, 1.0)  # a silent channel has no unit
    if bool((each * LEVELS < top).any()):
        return None
    each = each.to(x.dtype)
    return reads(layer, x.abs() / (each[:, None, None] if isinstance(layer, nn.Conv2d) else each))


def _usual_unit(x: Tensor) -> float | None:
    """Return the unit of spikes, 1, and of means of four spikes, 1/4; `None` for other inputs, or if neither is certain.

    `units` gives the same for each channel, from more passes over the inputs.
    """
    least, most = (float(value) for value in x.aminmax())
    if least < 0 or most > 1:
        return None
    if most == 1 and not bool(x.frac().amax()):
        return 1.0
    if not bool((4 * x).frac_().amax()) and bool((x == 0.25).view(torch.uint8).amax()):  # `any` takes ten times as long
        return 0.25
    return None


def macs(layer: nn.Conv2d | nn.Linear, x: Tensor) -> float:
    """Return the number of multiplications for one step of one sample; inputs of 0 count, padding does not."""
    return float(fan_out(layer, torch.ones_like(x[:1, :1])))


def outputs(layer: nn.Conv2d | nn.Linear, x: Tensor) -> int:
    """Return the number of outputs of one step of one sample."""
    if isinstance(layer, nn.Linear):
        return x[0, 0].numel() // layer.in_features * layer.out_features
    image = torch.empty(1, *x.shape[2:], device="meta")
    weight = torch.empty(layer.weight.shape, device="meta")
    return nn.functional.conv2d(image, weight, None, layer.stride, layer.padding, layer.dilation, layer.groups).numel()

"""What the inputs of a layer make it add up or multiply."""

from functools import reduce

import torch
from torch import Tensor, nn

from snnx.energy.fan_out import fan_out, meetings, reach
from snnx.energy.quantum import LEVELS, quantum

QUARTERS = (0.25, 0.5, 0.75, 1.0)


@torch.no_grad()
def charge(layer: nn.Conv2d | nn.Linear, x: Tensor) -> Tensor:
    """`[C, B]`: absolute inputs of each input channel, each times the weights that it meets, over all steps.

    Shape:
        `[T, B, C, H, W]` (convolution) or `[T, B, *, C]` (linear).

    Example:
        >>> charge(nn.Linear(2, 10), torch.tensor([[[1.0, 0.5]], [[1.0, 0.0]]])).tolist()
        [[20.0], [5.0]]
    """
    wide = torch.promote_types(x.dtype, torch.float32)  # sums of bfloat16 would be rounded
    size = x.abs().sum(0, dtype=wide).double()  # added up in float32: torch converts to float64 ten times as slow
    if isinstance(layer, nn.Linear):
        return (size.flatten(1, -2).sum(1) if x.ndim > 3 else size).T * layer.out_features
    met = size.flatten(2) @ reach(layer, x.shape[-2:], x.device).double()
    return met.T * (layer.out_channels // layer.groups)


def units(layer: nn.Conv2d | nn.Linear, x: Tensor) -> Tensor:
    """`[C]`: the unit of each input channel in this batch; 0 where the channel is silent."""
    channel = 2 if isinstance(layer, nn.Conv2d) else x.ndim - 1
    rest = [place for place in range(x.ndim) if place != channel]
    size = x.abs()
    silent = size == 0
    if bool((silent | (size == 1)).all()):  # the usual case, for nothing
        return size.amax(dim=rest).double()
    found = [size == quarter for quarter in QUARTERS]
    if bool(reduce(torch.logical_or, found, silent).all()):  # means of four spikes: which of them there are says it all
        there = [one.view(torch.uint8).amax(dim=rest) for one in found]  # of bytes: `any` is ten times as slow
        return quantum(torch.stack(there, dim=1) * torch.tensor(QUARTERS, device=x.device))
    return quantum(x.movedim(channel, 0).flatten(1))


def synops(charges: Tensor, unit: Tensor, top: float) -> float | None:
    """Additions that these charges are, or None where the inputs are values.

        synops = sum over channels of charge / unit

    A unit is a factor of the weights, whatever it is; so binary, ternary and scaled spikes are an addition a weight, a graded
    spike of k units is k, and the mean of a window is one for each of its spikes.

    Args:
        charges: `[C]`.
        unit: `[C]`, of each channel, of all that was seen.
        top: the largest absolute input that was seen.

    Example:
        >>> synops(torch.tensor([20.0, 5.0]), torch.tensor([1.0, 0.5]), top=1.0)     # units of 1/2: the first are two each
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
    """`[T, B]`: the same of each step and sample, with the units of this batch; None where the inputs are values.

    Example:
        >>> additions(nn.Linear(2, 10), torch.tensor([[[1.0, 0.5]], [[0.0, 0.5]]])).flatten().tolist()
        [30.0, 10.0]
    """
    unit, top = units(layer, x), float(x.abs().max())
    common = float(quantum(unit[None])[0])
    if common == 1.0 == top:
        return meetings(layer, (x != 0).float())
    each = torch.full_like(unit, common) if common * LEVELS >= top else unit
    each = each.where(each > 0, 1.0)  # a silent channel has no unit
    if bool((each * LEVELS < top).any()):
        return None
    each = each.to(x.dtype)
    return meetings(layer, x.abs() / (each[:, None, None] if isinstance(layer, nn.Conv2d) else each))


def macs(layer: nn.Conv2d | nn.Linear, x: Tensor) -> float:
    """Weights that meet an input at one step of one sample, zeros included and padding not."""
    return float(fan_out(layer, torch.ones_like(x[:1, :1])))


def outputs(layer: nn.Conv2d | nn.Linear, x: Tensor) -> int:
    """Outputs of one step of one sample."""
    if isinstance(layer, nn.Linear):
        return x[0, 0].numel() // layer.in_features * layer.out_features
    image = torch.empty(1, *x.shape[2:], device="meta")
    weight = torch.empty(layer.weight.shape, device="meta")
    return nn.functional.conv2d(image, weight, None, layer.stride, layer.padding, layer.dilation, layer.groups).numel()

"""How many weights the inputs of a layer meet, step by step and sample by sample."""

import torch
from torch import Tensor, nn


@torch.no_grad()
def fan_out(layer: nn.Conv2d | nn.Linear, x: Tensor) -> Tensor:
    """Weights that meet an input other than zero, summed over the outputs of the layer.

        fan_out[t, b] = sum over outputs of #{i : w_i is connected and x[t, b, i] != 0}

    Exact, padding and strides included: what one place of a map reaches is counted once, by the layer's own geometry.

    Shape:
        `[T, B, C, H, W]` (convolution) or `[T, B, *, F]` (linear) to `[T, B]`.

    Example:
        >>> corner = torch.zeros(1, 1, 1, 4, 4)
        >>> corner[..., 0, 0] = 1.0
        >>> fan_out(nn.Conv2d(1, 8, 3, padding=1), corner).item()              # a corner meets 2x2 of a 3x3 kernel's places
        32.0
        >>> fan_out(nn.Linear(4, 10), torch.tensor([[[1.0, 0.0, 0.5, 0.0]]])).item()
        20.0
    """
    return meetings(layer, (x != 0).float())


@torch.no_grad()
def meetings(layer: nn.Conv2d | nn.Linear, amounts: Tensor) -> Tensor:
    """The same, with each input counted as often as `amounts` says, in float64.

    Counts are made outside of autocast, which would round them to the eight bits of bfloat16.

    Example:
        >>> meetings(nn.Linear(2, 10), torch.tensor([[[3.0, 0.0]]])).item()
        30.0
    """
    amounts = amounts.to(torch.promote_types(amounts.dtype, torch.float32))  # exact for what one sample's map can hold
    if isinstance(layer, nn.Linear):
        return amounts.flatten(2).sum(2).double() * layer.out_features
    with torch.autocast(amounts.device.type, enabled=False):
        met = amounts.flatten(3) @ reach(layer, amounts.shape[-2:], amounts.device).to(amounts.dtype)
    return met.double().sum(2) * (layer.out_channels // layer.groups)


def reach(layer: nn.Conv2d, size: torch.Size, device: torch.device) -> Tensor:
    """`[H*W]`: places of the output map that read each place of the input map, as the gradient of a sum."""
    with torch.enable_grad(), torch.inference_mode(mode=False), torch.autocast(device.type, enabled=False):
        place = torch.zeros(1, 1, *size, device=device, requires_grad=True)
        kernel = torch.ones(1, 1, *layer.kernel_size, device=device)
        read = nn.functional.conv2d(place, kernel, None, layer.stride, layer.padding, layer.dilation)
        (reach,) = torch.autograd.grad(read.sum(), place)
    return reach.flatten()

"""Counts the weights that nonzero inputs of a layer are multiplied by, for each step and sample."""

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init


@torch.no_grad()
def fan_out(layer: nn.Conv2d | nn.Linear, x: Tensor) -> Tensor:
    """Return the number of weights that are multiplied by a nonzero input, summed over the outputs of the layer.

        fan_out[t, b] = sum over outputs of #{i : w_i is connected and x[t, b, i] != 0}

    The count is exact, also with strides and any kind of padding: the layer's geometry says how often each pixel is read.

    Shape:
        `[T, B, C, H, W]` (convolution) or `[T, B, *, F]` (linear) to `[T, B]`.

    Args:
        layer: a convolution or linear layer.
        x: its input.

    Example:
        >>> corner = torch.zeros(1, 1, 1, 4, 4)
        >>> corner[..., 0, 0] = 1.0
        >>> fan_out(nn.Conv2d(1, 8, 3, padding=1), corner).item()              # 2x2 of a 3x3 kernel's weights read a corner
        32.0
        >>> fan_out(nn.Linear(4, 10), torch.tensor([[[1.0, 0.0, 0.5, 0.0]]])).item()
        20.0
    """
    return reads(layer, (x != 0).float())


@torch.no_grad()
def reads(layer: nn.Conv2d | nn.Linear, amounts: Tensor) -> Tensor:
    """Return the same as `fan_out`, but with each input counted `amounts` times, in float64.

    It counts outside of autocast, which would round the numbers to the eight bits of bfloat16.

    Example:
        >>> reads(nn.Linear(2, 10), torch.tensor([[[3.0, 0.0]]])).item()
        30.0
    """
    amounts = amounts.to(torch.promote_types(amounts.dtype, torch.float32))  # float32 is exact for one sample
    if isinstance(layer, nn.Linear):
        return amounts.flatten(2).sum(2).double() * layer.out_features
    with torch.autocast(amounts.device.type, enabled=False):
        total = amounts.flatten(3) @ reach(layer, amounts.shape[-2:], amounts.device).to(amounts.dtype)
    return total.double().sum(2) * (layer.out_channels // layer.groups)


def reach(layer: nn.Conv2d, size: torch.Size, device: torch.device) -> Tensor:
    """Return how many weights of one kernel read each pixel of the input map, `[H*W]`, as the gradient of a sum.

    A pixel that the padding repeats, as `padding_mode="reflect"` does at the border, is read at each of its places.

    Example:
        >>> layer = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular")      # a map without a border
        >>> reach(layer, torch.Size([4, 4]), torch.device("cpu")).unique().tolist()
        [9.0]
    """
    geometry = (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    with torch.enable_grad(), torch.inference_mode(mode=False), torch.autocast(device.type, enabled=False):
        place = torch.zeros(1, 1, *size, device=device, requires_grad=True)
        # skip_init, because drawing weights would change the random numbers of the run
        one = skip_init(nn.Conv2d, 1, 1, *geometry, bias=False, padding_mode=layer.padding_mode, device=device)
        nn.init.ones_(one.weight)
        (reach,) = torch.autograd.grad(one(place).sum(), place)
    return reach.flatten()

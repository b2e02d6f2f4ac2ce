"""Synaptic operations: what a layer adds up for the inputs that are not zero."""

import torch
from torch import Tensor, nn
from torch.nn import functional


@torch.no_grad()
def synops(layer: nn.Conv2d | nn.Linear, x: Tensor) -> int:
    """Number of weights that meet an input other than zero, summed over outputs, samples and steps; a bias is none.

        synops = sum over outputs of #{i : w_i is connected and x_i != 0}

    Exact, padding and strides included: the layer itself is run on `x != 0` with all weights one.

    Args:
        layer: a convolution, or a linear layer.
        x: its input, `[*, in_features]` or `[N, C, H, W]`.

    Example:
        >>> synops(nn.Linear(4, 10), torch.tensor([[1.0, 0.0, 0.5, 0.0]]))     # two inputs, ten weights each
        20
        >>> corner = torch.zeros(1, 1, 4, 4)
        >>> corner[..., 0, 0] = 1.0
        >>> synops(nn.Conv2d(1, 8, 3, padding=1), corner)                      # a corner meets 2x2 of a 3x3 kernel's places
        32
    """
    fires = (x != 0).double()
    if isinstance(layer, nn.Linear):
        return int(fires.sum()) * layer.out_features
    ones = layer.weight.new_ones(layer.groups, *layer.weight.shape[1:], dtype=torch.float64)
    met = functional.conv2d(fires, ones, None, layer.stride, layer.padding, layer.dilation, layer.groups)
    return int(met.sum()) * (layer.out_channels // layer.groups)

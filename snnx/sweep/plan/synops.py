"""Synaptic operations: the additions that a layer does for inputs that are not zero."""

import torch
from torch import Tensor, nn

from snnx.energy.fan_out import fan_out


@torch.no_grad()
def synops(layer: nn.Conv2d | nn.Linear, x: Tensor) -> int:
    """Count the weights that are applied to a nonzero input, summed over outputs, samples and steps; biases do not count.

        synops = sum over outputs of #{i : w_i is connected and x_i != 0}

    This is the sum of `fan_out`.

    Args:
        layer: a convolution or a linear layer.
        x: its input, `[*, in_features]` or `[N, C, H, W]`.

    Example:
        >>> synops(nn.Linear(4, 10), torch.tensor([[1.0, 0.0, 0.5, 0.0]]))     # two nonzero inputs with ten weights each
        20
        >>> corner = torch.zeros(1, 1, 4, 4)
        >>> corner[..., 0, 0] = 1.0
        >>> synops(nn.Conv2d(1, 8, 3, padding=1), corner)                      # 2x2 weights in each of 8 channels
        32
    """
    return int(fan_out(layer, x[None]).double().sum())

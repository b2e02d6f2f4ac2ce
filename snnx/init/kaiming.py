"""Kaiming's initial weights, derived for ReLU."""

from math import inf
from typing import Literal

from torch import nn

from snnx.init.init import Init, WeightedLayer


class Kaiming(Init):
    """Draws weights with `Var(w) = gain^2 * 2 / fan_in`: a ReLU halves the mean square, and the factor 2 restores it.

    Convolutions have `Var(w) = conv_gain^2 * gain^2 * 2 / fan_in`.

    If the inputs fire once in T steps, the current of a step only has the variance `fan_in * 2/fan_in * 1/T = 2/T`, which
    falls as T grows; `ETTFS` avoids that.

    Args:
        distribution: see `Init`.
        gain: factor on the standard deviation, > 0; `1/sqrt(6)`, about 0.41, gives the variance of PyTorch's own draw.
        conv_gain: further factor for convolutions, > 0.

    Raises:
        ValueError: `gain` or `conv_gain` is not positive and finite.

    Source: He et al., 2015. ETTFS, Eqs 8 to 12, uses the uniform form as its baseline.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(600, 500)
        >>> Kaiming()(layer)
        >>> bool(layer.weight.abs().max() <= 0.1), layer.bias.abs().max().item()    # sqrt(6/600)
        (True, 0.0)
    """

    def __init__(
        self, *, distribution: Literal["uniform", "normal"] = "uniform", gain: float = 1.0, conv_gain: float = 1.0
    ) -> None:
        super().__init__(distribution=distribution)
        for name, value in (("gain", gain), ("conv_gain", conv_gain)):
            if not 0 < value < inf:
                raise ValueError(f"Kaiming: {name} must be positive and finite; got {value}")
        self.gain, self.conv_gain = float(gain), float(conv_gain)

    def variance(self, layer: WeightedLayer) -> float:
        gain = self.gain * (self.conv_gain if isinstance(layer.module, nn.Conv2d) else 1.0)
        return gain**2 * 2 / layer.fan_in

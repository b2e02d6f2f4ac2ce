"""Xavier's initial weights, which keep the variance of values forward and that of gradients backward."""

from math import inf
from typing import Literal

from snnx.init.init import Init, WeightedLayer


class Xavier(Init):
    """Draws weights with `Var(w) = gain^2 * 2 / (fan_in + fan_out)`, where `fan_out` is the number of outputs of one input.

    Of a convolution, `fan_out` is kernel size times output channels, as in PyTorch.

    Args:
        distribution: see `Init`.
        gain: factor on the standard deviation, > 0; 2 in the code of BNTT.

    Raises:
        ValueError: `gain` is not positive and finite.

    Source: Glorot and Bengio, 2010. With a gain, PyTorch's `xavier_uniform_` and `xavier_normal_`.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(400, 200)
        >>> Xavier(gain=2)(layer)
        >>> 0.19 < layer.weight.abs().max().item() <= 0.2           # 2 * sqrt(6/600)
        True
    """

    def __init__(self, *, distribution: Literal["uniform", "normal"] = "uniform", gain: float = 1.0) -> None:
        super().__init__(distribution=distribution)
        if not 0 < gain < inf:
            raise ValueError(f"Xavier: gain must be positive and finite; got {gain}")
        self.gain = float(gain)

    def variance(self, layer: WeightedLayer) -> float:
        weight = layer.module.weight
        return self.gain**2 * 2 / (layer.fan_in + weight.numel() // weight.shape[1])

"""Weights that keep the mean 0 and a given standard deviation while they are trained."""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

EPSILON = 1e-12
"""Added to the variance, so that a neuron whose weights are all equal gets weights of 0 instead of NaN."""


class Standardised(nn.Module):
    """Standardises the weights of each output over its inputs, and multiplies by a learned gain for each output.

        w' = gain * std * (w - mean(w)) / sqrt(var(w) + 1e-12)          mean and var over the inputs of one output

    The gain and the layer's bias scale and shift the current, as a norm does.

    Shape:
        `[O, *]` to the same.

    Args:
        outputs: number of outputs O of the layer.
        std: standard deviation of the weights of an output whose gain is 1, > 0.

    Source: ETTFS, second version, after an implementation that is not by the authors. Its standard deviation, sqrt(3T/fan_in),
        is sqrt(3) times that of its own initial weights; here both are the same.

    Example:
        >>> layer = nn.Linear(4, 1, bias=False)
        >>> with torch.no_grad():
        ...     _ = layer.weight.copy_(torch.tensor([[1.0, 3.0, 1.0, 3.0]]))
        >>> parametrize.register_parametrization(layer, "weight", Standardised(1, std=0.5)).weight.tolist()
        [[-0.5, 0.5, -0.5, 0.5]]
    """

    def __init__(self, outputs: int, *, std: float) -> None:
        super().__init__()
        self.std = std
        self.gain = nn.Parameter(torch.ones(outputs))

    def forward(self, weight: Tensor) -> Tensor:
        flat = weight.flatten(1)
        var, mean = torch.var_mean(flat, dim=1, keepdim=True, correction=0)
        return (self.gain[:, None] * self.std * (flat - mean) * torch.rsqrt(var + EPSILON)).view_as(weight)

    def extra_repr(self) -> str:
        return f"std={self.std:g}"


def make_plain(network: nn.Module) -> None:
    """Turn standardised weights of a network into ordinary parameters with their present values.

    Example:
        >>> layer = nn.Linear(4, 1)
        >>> _ = parametrize.register_parametrization(layer, "weight", Standardised(1, std=0.5))
        >>> make_plain(layer)
        >>> [name for name, _ in layer.named_parameters()]
        ['bias', 'weight']
    """
    for module in list(network.modules()):
        if parametrize.is_parametrized(module, "weight"):
            # Not remove_parametrizations: it changes the layer's class, which a deep copy shares with its original.
            weight = module.weight.detach().clone()
            module.__class__ = parametrize.type_before_parametrizations(module)
            del module.parametrizations
            module.weight = nn.Parameter(weight)

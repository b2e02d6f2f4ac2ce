"""Positive initial weights, with which neurons that fire at most once all fire at the start."""

from math import inf

import torch
from torch import nn

from snnx.init.init import weighted_layers


class Positive:
    """Draws `w ~ U(0, bound / fan_in)`, so that a neuron's weights add up to `bound / 2` on average; biases become 0.

    A neuron whose synaptic currents decay fires only if the weights of its inputs add up to more than its threshold, 1.

    Args:
        bound: upper bound of a weight, times the number of inputs, > 0 and finite.

    Raises:
        ValueError: `bound` is not positive and finite.

    Source: the code of Zhou et al., 2021 (zbs881314/Temporal-Coded-Deep-SNN, `MNIST/SNN.py`), where it is 8, and `fan_in`
        counts the input in place of a bias, too.

    Example:
        >>> layer = nn.Linear(400, 300)
        >>> Positive()(layer)
        >>> bool(layer.weight.min() >= 0), bool(layer.weight.max() <= 0.02), layer.bias.abs().max().item()
        (True, True, 0.0)
    """

    def __init__(self, *, bound: float = 8.0) -> None:
        if not 0 < bound < inf:
            raise ValueError(f"Positive: bound must be positive and finite; got {bound}")
        self.bound = float(bound)

    @torch.no_grad()
    def __call__(self, network: nn.Module) -> None:
        """Draw new values for all weights of `network`."""
        for layer in weighted_layers(network):
            layer.module.weight.uniform_(0.0, self.bound / layer.fan_in)
            if layer.module.bias is not None:
                layer.module.bias.zero_()

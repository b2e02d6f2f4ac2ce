"""Weights of a few bits, as neuromorphic chips store them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


def symmetric(weight: Tensor, bits: int) -> Tensor:
    """Round each weight to the nearest of `2^bits - 1` evenly spaced levels from `-max |w|` to `max |w|`.

        top = 2^(bits - 1) - 1        s = max |w| / top        w_q = round(w/s) * s

    Shape:
        any to the same.

    Args:
        weight: weights of one layer.
        bits: number of bits, at least 2.

    Example:
        >>> symmetric(torch.tensor([1.4, 0.5, -0.29]), 4)      # s = 0.2
        tensor([ 1.4000,  0.4000, -0.2000])
    """
    top = 2 ** (bits - 1) - 1
    scale = weight.abs().max().clamp(min=torch.finfo(weight.dtype).tiny) / top
    return (weight / scale).round().clamp(-top, top) * scale


class Symmetric:
    """Tests a trained network again with its weights rounded to few bits; it is not trained with them.

    Every parameter named `weight` with two or more dimensions is rounded by `symmetric`, with its own scale. Biases and norms
    keep their values.

    Args:
        bits: numbers of bits to test with, a list of integers >= 2.

    Raises:
        ValueError: `bits` is empty, or contains a number that is below 2 or not an integer, or weights are computed from other
            parameters, as `init.standardise` does.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, section 5.4, which uses 4 bits. The paper does
        not say how it rounds; a symmetric grid with one scale per layer is our choice.

    Example:
        >>> layer = nn.Linear(4, 2)
        >>> before = layer.weight.clone()
        >>> with Symmetric(bits=[2]).applied(layer, 2):
        ...     print(len(layer.weight.unique()) <= 3)
        True
        >>> torch.equal(layer.weight, before)
        True
    """

    def __init__(self, *, bits: Sequence[int]) -> None:
        if not bits or any(type(number) is not int or number < 2 for number in bits):
            raise ValueError(f"Symmetric: bits must be a list of integers >= 2; got {list(bits)}")
        self.bits = list(bits)

    @contextmanager
    def applied(self, network: nn.Module, bits: int) -> Iterator[None]:
        """Round the weights of `network` to `bits` bits inside the `with` block, and restore them after it."""
        if any(parametrize.is_parametrized(module) for module in network.modules()):
            raise ValueError("Symmetric: weights must be parameters; got computed ones; set init.standardise=false")
        whole = {name: p.detach().clone() for name, p in network.named_parameters() if name.endswith("weight") and p.ndim > 1}
        parameters = dict(network.named_parameters())
        with torch.no_grad():
            for name, weight in whole.items():
                parameters[name].copy_(symmetric(weight, bits))
        try:
            yield
        finally:
            with torch.no_grad():
                for name, weight in whole.items():
                    parameters[name].copy_(weight)

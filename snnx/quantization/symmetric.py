"""Weights of a few bits, as chips have them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def symmetric(weight: Tensor, bits: int) -> Tensor:
    """The nearest weights on a symmetric grid of `2^bits - 1` levels that reaches the largest of them.

        top = 2^(bits - 1) - 1        s = max |w| / top        round(w/s) s

    Example:
        >>> symmetric(torch.tensor([1.4, 0.5, -0.29]), 4)      # s = 0.2
        tensor([ 1.4000,  0.4000, -0.2000])
    """
    top = 2 ** (bits - 1) - 1
    scale = weight.abs().max().clamp(min=torch.finfo(weight.dtype).tiny) / top
    return (weight / scale).round().clamp(-top, top) * scale


class Symmetric:
    """Tests a trained network again with the weights of every layer on a grid of few bits; nothing is trained with them.

    Every `weight` of two or more dimensions is rounded by itself, by `symmetric`; biases and norms stay as they are.

    Args:
        bits: whole numbers of bits to test with, each at least 2.

    Raises:
        ValueError: there is no number of bits, or one is below 2 or not whole.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, section 5.4, 4 bits; that the grid is
        symmetric and of one layer is ours.

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
            raise ValueError(f"Symmetric: bits must be a list of whole numbers of 2 or more; got {list(bits)}")
        self.bits = list(bits)

    @contextmanager
    def applied(self, network: nn.Module, bits: int) -> Iterator[None]:
        """Round the weights for as long as the context lasts."""
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

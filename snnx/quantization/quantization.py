"""The interface that every option of the group `quantization` follows."""

from contextlib import AbstractContextManager
from typing import Protocol

from torch import nn


class Quantization(Protocol):
    """Rounds the weights of a trained network for a further test, and restores them after it.

    A run is tested once with its own weights, and then once for each number in `bits`.

    Example:
        >>> from contextlib import contextmanager
        >>> import torch
        >>> class Signs:                                        # each weight becomes the mean of |w|, or minus that
        ...     bits = [1]
        ...     @contextmanager
        ...     def applied(self, network, bits):
        ...         kept = network.weight.data
        ...         network.weight.data = kept.sign() * kept.abs().mean()
        ...         yield
        ...         network.weight.data = kept
        >>> layer, quantization = nn.Linear(2, 2), Signs()
        >>> with quantization.applied(layer, 1):
        ...     print(len(layer.weight.abs().unique()))
        1
    """

    bits: list[int]
    """Numbers of bits to test with; the keys of the results end with them, for example in `_4bit`."""

    def applied(self, network: nn.Module, bits: int) -> AbstractContextManager[None]:
        """Round the weights of `network` to `bits` bits inside the `with` block, and restore them after it."""

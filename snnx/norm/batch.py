"""Batch norm, whose statistics are taken over time steps and samples together."""

from math import inf

import torch
from torch import Tensor, nn

from snnx.norm.norm import Norm


class Batch(nn.BatchNorm2d, Norm):
    """Torch's batch norm of each channel, in which every time step counts as a sample.

        y = gamma * (x - mean) / sqrt(var + eps) + beta         mean and var over T, B and *

    Training starts with `gamma = gain` and `beta = 0`, whatever the threshold is. Its state dict has the keys of
    `nn.BatchNorm2d`. If a neuron layer is the only one that reads the output, the two can be computed as one; see
    `snnx.neuron.take_norms`.

    Shape:
        `[T, B, C, *]` to the same.

    Args:
        channels: number of channels C.
        v_threshold, meets_sum: not used.
        gain: initial value of gamma, which is learned, > 0. In NDA's networks it equals the threshold, 0.5.
        fused: whether the neuron layer behind may compute this norm together with its spikes, which gives the same numbers with
            less memory and time.

    Raises:
        ValueError: `gain` is not above 0, or not finite.

    Source: Ioffe and Szegedy, 2015.

    Example:
        >>> x = torch.tensor([[[1.0]], [[3.0]]])                # mean 2, variance 1
        >>> Batch(1)(x).flatten().round(decimals=3).tolist()
        [-1.0, 1.0]
    """

    def __init__(
        self, channels: int, *, v_threshold: float | None = 1.0, meets_sum: bool = False, gain: float = 1.0, fused: bool = True
    ) -> None:
        if not 0 < gain < inf:
            raise ValueError(f"Batch: gain must be positive and finite; got {gain}")
        super().__init__(channels)
        with torch.no_grad():
            self.weight.fill_(gain)
        self.fused = fused
        self.taken = False
        """Whether the neuron layer behind computes this norm; then `forward` returns its input."""

    def forward(self, x: Tensor) -> Tensor:
        return x if self.taken else self.normalise(x)

    def normalise(self, x: Tensor) -> Tensor:
        """Return the normalised values, even if this norm is taken."""
        return super().forward(x.flatten(0, 1)).unflatten(0, x.shape[:2])

    def normalise_any(self, x: Tensor, behind: int) -> Tensor:
        """Return the normalised values of an `x` that has `behind` dimensions behind the channels, and any in front of them."""
        return self.normalise(x.flatten(1, -2 - behind)).view(x.shape)

    def _check_input_dim(self, x: Tensor) -> None:
        """Accept any number of dimensions, for which torch has separate classes."""

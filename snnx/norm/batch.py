"""Batch norm with statistics over time and batch together."""

from torch import Tensor, nn

from snnx.norm.norm import Norm


class Batch(nn.BatchNorm2d, Norm):
    """torch's batch norm of each channel; a step counts like a sample.

        y = gamma * (x - mean) / sqrt(var + eps) + beta         mean and var over T, B and *

    Weights start at `gamma = 1` and `beta = 0`, whatever the threshold. Names in a state dict are those of `nn.BatchNorm2d`.

    Shape:
        `[T, B, C, *]` to the same.

    Args:
        channels: C.
        v_threshold, meets_sum: not used.

    Source: Ioffe and Szegedy, 2015.

    Example:
        >>> import torch
        >>> x = torch.tensor([[[1.0]], [[3.0]]])                # mean 2, variance 1
        >>> Batch(1)(x).flatten().round(decimals=3).tolist()
        [-1.0, 1.0]
    """

    def __init__(self, channels: int, *, v_threshold: float = 1.0, meets_sum: bool = False) -> None:
        super().__init__(channels)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(0, 1)).unflatten(0, x.shape[:2])

    def _check_input_dim(self, x: Tensor) -> None:
        """Accept any number of dimensions: torch has a class for each."""

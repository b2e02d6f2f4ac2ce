"""Average pooling of 2x2 windows, as a matrix product."""

import torch
from torch import Tensor, nn


class MeanPool(nn.AvgPool2d):
    """`nn.AvgPool2d(2)`, several times as fast on a CPU.

        y[i, j] = (x[2i, 2j] + x[2i, 2j+1] + x[2i+1, 2j] + x[2i+1, 2j+1]) / 4

    Two rows of an image lie in memory as one vector of `2W` values, and a constant matrix of quarters takes it to the `W/2` of
    a row of the output: torch's product is vectorised, forward and backward, where its pooling is not. Quarters of spikes are
    exact in every precision. Sides that are odd, and other devices, go torch's way.

    Example:
        >>> x = torch.arange(8.0).view(1, 1, 2, 4)
        >>> MeanPool()(x).flatten().tolist()
        [2.5, 4.5]
    """

    def __init__(self) -> None:
        super().__init__(2)

    def forward(self, x: Tensor) -> Tensor:
        *outer, height, width = x.shape
        if height % 2 or width % 2 or x.device.type != "cpu":
            return super().forward(x)
        quarters = torch.eye(width // 2, dtype=x.dtype).div_(4).repeat_interleave(2, 0).repeat(2, 1)
        return (x.reshape(-1, 2 * width) @ quarters).view(*outer, height // 2, width // 2)

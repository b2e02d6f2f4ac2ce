"""Average pooling of 2x2 windows, computed as a matrix product."""

import torch
from torch import Tensor, nn


class MeanPool(nn.AvgPool2d):
    """`nn.AvgPool2d(2)`, several times as fast on a CPU.

        y[i, j] = (x[2i, 2j] + x[2i, 2j+1] + x[2i+1, 2j] + x[2i+1, 2j+1]) / 4

    In memory, two rows of an image are one vector of `2W` values; a constant matrix with entries 1/4 maps it to the `W/2`
    values of one output row. Torch's matrix product is vectorised in forward and backward, and its pooling is not. Averages of
    four spikes are multiples of 1/4, which every precision holds exactly. Images with an odd side, tensors that are not
    contiguous, as in the layout `channels_last`, and tensors on other devices use torch's pooling.

    Shape:
        `[B, C, H, W]` to `[B, C, H/2, W/2]`.

    Example:
        >>> x = torch.arange(8.0).view(1, 1, 2, 4)
        >>> MeanPool()(x).flatten().tolist()
        [2.5, 4.5]
    """

    def __init__(self) -> None:
        super().__init__(2)

    def forward(self, x: Tensor) -> Tensor:
        return pooled(x, weight=0.25)


def pooled(x: Tensor, *, weight: float) -> Tensor:
    """Return `weight` times the sum over each 2x2 window of `[B, C, H, W]`, as `[B, C, H/2, W/2]`.

    Example:
        >>> pooled(torch.arange(8.0).view(1, 1, 2, 4), weight=0.5).flatten().tolist()
        [5.0, 9.0]
    """
    *outer, height, width = x.shape
    if height % 2 or width % 2 or x.device.type != "cpu" or not x.is_contiguous():
        means = nn.functional.avg_pool2d(x, 2)
    else:
        quarters = torch.eye(width // 2, dtype=x.dtype).mul_(0.25).repeat_interleave(2, 0).repeat(2, 1)
        with torch.autocast("cpu", enabled=False):  # it would round to another precision, which torch's pooling does not
            means = (x.reshape(-1, 2 * width) @ quarters).view(*outer, height // 2, width // 2)
    return means if weight == 0.25 else means * (4 * weight)

"""Pooling that adds up 2x2 windows with one fixed weight, for neurons that fire behind it."""

from torch import Tensor, nn

from snnx.layer.mean_pool import pooled


class SumPool(nn.Module):
    """Adds up 2x2 windows with one weight, which does not learn.

        y[i, j] = weight*(x[2i, 2j] + x[2i, 2j+1] + x[2i+1, 2j] + x[2i+1, 2j+1])

    It is the pooling of TSSL-BP, whose neurons read the sum as a current. It is not a subclass of `nn.AvgPool2d`, so that what
    knows average pooling, such as a conversion, refuses it. Energy leaves out its additions, one for each spike, since a
    convolution causes one for each weight that a spike meets.

    Shape:
        `[B, C, H, W]` to `[B, C, H/2, W/2]`; an odd row or column at the end is dropped.

    Args:
        weight: weight of each value.

    Source: Zhang and Li, 2020, and the authors' code, stonezwr/TSSL-BP, where the weight is 1.1.

    Example:
        >>> import torch
        >>> SumPool(1.1)(torch.ones(1, 1, 2, 4)).flatten().tolist()
        [4.400000095367432, 4.400000095367432]
    """

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = float(weight)

    def forward(self, x: Tensor) -> Tensor:
        return pooled(x, weight=self.weight)

    def extra_repr(self) -> str:
        return f"weight={self.weight:g}"

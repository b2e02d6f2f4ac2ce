"""The option that leaves the norm out."""

from torch import nn

from snnx.norm.norm import Norm


class NoNorm(nn.Identity, Norm):
    """The identity, `y = x`; convolutions before it get a bias, unless the backbone has none.

    Shape:
        `[T, B, C, *]` to the same.

    Args:
        channels, v_threshold, meets_sum: not used.

    Example:
        >>> import torch
        >>> NoNorm(2)(torch.ones(4, 3, 2)).shape
        torch.Size([4, 3, 2])
    """

    def __init__(self, channels: int, *, v_threshold: float | None = 1.0, meets_sum: bool = False) -> None:
        super().__init__()

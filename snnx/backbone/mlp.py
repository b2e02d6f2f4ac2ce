"""A fully connected network of spiking layers."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from snnx.layer.each_step import EachStep


class MLP(nn.Module):
    """Flatten, then linear and neuron for each hidden width, then a linear read-out that does not fire.

    Shape:
        `[T, B, C, H, W]` to `[T, B, classes]`.

    Args:
        neuron: makes one neuron layer over `[T, B, *]`.
        in_shape: `(C, H, W)` as the encoding gives it.
        classes: number of scores.
        width: factor on every hidden width.
        hidden: the hidden widths, input side first.
        bias: of the linear layers; spike times take none.

    Raises:
        ValueError: a hidden width is below 1.

    Example:
        >>> import torch
        >>> net = MLP(neuron=nn.ReLU, in_shape=(1, 8, 8), classes=10, hidden=[32])
        >>> net(torch.rand(4, 2, 1, 8, 8)).shape, sum(p.numel() for p in net.parameters())
        (torch.Size([4, 2, 10]), 2410)
    """

    def __init__(
        self,
        *,
        neuron: Callable[[], nn.Module],
        in_shape: tuple[int, int, int],
        classes: int,
        width: float = 1.0,
        hidden: Sequence[int] = (256,),
        bias: bool = True,
    ) -> None:
        super().__init__()
        if any(size < 1 for size in hidden):
            raise ValueError(f"MLP: hidden must be widths of at least 1; got {list(hidden)}")
        widths = [math.prod(in_shape), *(max(1, round(h * width)) for h in hidden)]
        self.layers = nn.Sequential()
        for i, (n_in, n_out) in enumerate(pairwise(widths)):
            self.layers.add_module(f"fc{i + 1}", EachStep(nn.Linear(n_in, n_out, bias=bias)))
            self.layers.add_module(f"sn{i + 1}", neuron())
        self.out = nn.Linear(widths[-1], classes, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.layers(x.flatten(2)))

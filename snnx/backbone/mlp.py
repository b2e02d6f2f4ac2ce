"""A fully connected network."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from snnx.layer.each_step import EachStep


class MLP(nn.Module):
    """A linear layer and a neuron for each entry of `hidden`, then a linear layer.

        x      = sn(fc(x))          once per hidden layer, from the flattened image
        scores = out(x)

    Shape:
        `[T, B, C, H, W]` to `[T, B, classes]`.

    Args:
        neuron: makes one neuron layer for input `[T, B, *]`.
        in_shape: `(C, H, W)` of the encoding's output.
        classes: number of scores.
        width: factor on every hidden width, > 0.
        hidden: widths of the hidden layers, the first layer first, each at least 1.
        bias: whether the linear layers have a bias; networks of spike times must not.

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
            raise ValueError(f"MLP: hidden must contain widths of at least 1; got {list(hidden)}")
        widths = [math.prod(in_shape), *(max(1, round(h * width)) for h in hidden)]
        self.layers = nn.Sequential()
        for i, (n_in, n_out) in enumerate(pairwise(widths)):
            self.layers.add_module(f"fc{i + 1}", EachStep(nn.Linear(n_in, n_out, bias=bias)))
            self.layers.add_module(f"sn{i + 1}", neuron())
        self.out = nn.Linear(widths[-1], classes, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.layers(x.flatten(2)))

"""The small convolutional network used in papers on first-spike coding: no norm, and wide linear layers."""

from collections.abc import Callable, Sequence
from typing import Literal

from torch import Tensor, nn

from snnx.backbone.vgg import POOLS
from snnx.layer.each_step import EachStep


class SCNN(nn.Module):
    """A stage of convolution, neuron and 2x2 pooling for each entry of `channels`, then hidden linear layers.

        x      = pool(sn(conv(x)))          once per stage
        x      = sn(fc(x))                  once per hidden layer, from the flattened map
        scores = out(x)

    Shape:
        `[T, B, C, H, W]` to `[T, B, classes]`; a stage changes H to `(H + 2*padding - kernel) // stride + 1`, and pooling
        halves it.

    Args:
        neuron: makes one neuron layer for input `[T, B, *]`.
        in_shape: `(C, H, W)` of the encoding's output.
        classes: number of scores.
        width: factor on every number of channels and hidden width, > 0.
        channels: number of channels of each stage, the first stage first, each at least 1.
        kernel: side of the convolutions, at least 1.
        stride: step of the convolutions, at least 1.
        padding: pixels without a spike that are added on each side, at least 0.
        pool: `avg`, `max`, or `none`. If neurons fire once, the output of max pooling fires at each spike time in its
            window, while the output of average pooling summed over time is at most 1.
        hidden: widths of the hidden linear layers, each at least 1.
        bias: whether convolutions and linear layers have a bias.

    Raises:
        ValueError: `pool` is not one of the three, a size is below 1, or the image is too small for the stages.

    Source: 16C5-P2-32C5-P2-800-128-10, the network of Zhang et al. (STDBP) and of Temporal-Coded SNNs with Dynamic Firing
        Threshold (CNN1, `bias=False`, 12,202 neurons on MNIST). ETTFS does not state its network, and compares with theirs.

    Example:
        >>> import torch
        >>> net = SCNN(neuron=nn.ReLU, in_shape=(1, 28, 28), classes=10)
        >>> net(torch.rand(2, 3, 1, 28, 28)).shape, sum(p.numel() for p in net.parameters())
        (torch.Size([2, 3, 10]), 527466)
    """

    def __init__(
        self,
        *,
        neuron: Callable[[], nn.Module],
        in_shape: tuple[int, int, int],
        classes: int,
        width: float = 1.0,
        channels: Sequence[int] = (16, 32),
        kernel: int = 5,
        stride: int = 1,
        padding: int = 0,
        pool: Literal["avg", "max", "none"] = "avg",
        hidden: Sequence[int] = (800, 128),
        bias: bool = True,
    ) -> None:
        super().__init__()
        if pool not in POOLS and pool != "none":
            raise ValueError(f"SCNN: pool must be one of {', '.join(POOLS)}, none; got {pool}")
        for name, sizes in (("channels", list(channels)), ("kernel", kernel), ("stride", stride), ("hidden", list(hidden))):
            if any(size < 1 for size in (sizes if isinstance(sizes, list) else [sizes])):
                raise ValueError(f"SCNN: {name} must be at least 1; got {sizes}")
        if padding < 0:
            raise ValueError(f"SCNN: padding must be at least 0; got {padding}")
        n_in, height, breadth = in_shape
        self.features = nn.Sequential()
        for i, entry in enumerate(channels):
            n_out = max(1, round(entry * width))
            height, breadth = (
                ((side + 2 * padding - kernel) // stride + 1) // (1 if pool == "none" else 2) for side in (height, breadth)
            )
            if min(height, breadth) < 1:
                raise ValueError(
                    f"SCNN: in_shape must leave a pixel after {len(channels)} stages with kernel {kernel}; "
                    f"got {in_shape[1]}x{in_shape[2]}; use fewer backbone.channels or a smaller backbone.kernel"
                )
            self.features.add_module(f"conv{i + 1}", EachStep(nn.Conv2d(n_in, n_out, kernel, stride, padding, bias=bias)))
            self.features.add_module(f"sn{i + 1}", neuron())
            if pool != "none":
                self.features.add_module(f"pool{i + 1}", EachStep(POOLS[pool]()))
            n_in = n_out
        n_in *= height * breadth
        self.classifier = nn.Sequential()
        for i, entry in enumerate(hidden):
            n_out = max(1, round(entry * width))
            self.classifier.add_module(f"fc{i + 1}", nn.Linear(n_in, n_out, bias=bias))
            self.classifier.add_module(f"sn{len(channels) + i + 1}", neuron())
            n_in = n_out
        self.classifier.add_module("out", nn.Linear(n_in, classes, bias=bias))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(2))

"""VGG-11 and VGG-16 for small images."""

from collections.abc import Callable, Sequence
from typing import Literal

from spikingjelly.activation_based.layer import SeqToANNContainer
from torch import Tensor, nn

from snnx.layer.max_pool import MaxPool
from snnx.layer.mean_pool import MeanPool
from snnx.layer.normed import Normed
from snnx.norm.batch import Batch
from snnx.norm.none import NoNorm
from snnx.norm.norm import MakesNorm, threshold_of

PLANS = {
    11: (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"),
    16: (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"),
}
POOLS = {"avg": MeanPool, "max": MaxPool}


class VGG(nn.Module):
    """3x3 convolutions and neurons in five stages, each followed by 2x2 pooling, then hidden linear layers.

        x      = sn(norm(conv3x3(x)))       8 (depth 11) or 13 (depth 16) times; pool(x) after each stage
        x      = sn(fc(x))                  once per hidden layer, from the flattened map
        scores = out(x)

    Shape:
        `[T, B, C, H, W]` to `[T, B, classes]`; each of the five stages halves H and W.

    Args:
        neuron: makes one neuron layer for input `[T, B, *]`.
        in_shape: `(C, H, W)` of the encoding's output, at least 32x32.
        classes: number of scores.
        width: factor on every number of channels and hidden width, > 0.
        depth: 11 or 16, the number of layers with weights if there are two hidden linear layers.
        pool: `avg` or `max`.
        norm: makes the norm after each convolution; see `MakesNorm`. `True` means batch norm and `False` no norm. In a YAML,
            `true` means the option of the group `norm`.
        bias: whether linear layers have a bias, and convolutions too if there is no norm.
        hidden: widths of the hidden linear layers.

    Raises:
        ValueError: `depth` or `pool` is not one of its choices, or the image is smaller than 32x32.

    Source: Simonyan and Zisserman, 2015. Temporal-Coded SNNs with Dynamic Firing Threshold uses it without norm and bias; with
        hidden widths of 4096 it has 284,682 (depth 16) or 159,754 (depth 11) neurons on CIFAR-10, including the 10 outputs.

    Example:
        >>> import torch
        >>> net = VGG(neuron=nn.ReLU, in_shape=(3, 32, 32), classes=10, width=0.25, hidden=[128])
        >>> net(torch.rand(2, 1, 3, 32, 32)).shape
        torch.Size([2, 1, 10])
    """

    def __init__(
        self,
        *,
        neuron: Callable[[], nn.Module],
        in_shape: tuple[int, int, int],
        classes: int,
        width: float = 1.0,
        depth: Literal[11, 16] = 11,
        pool: Literal["avg", "max"] = "avg",
        norm: MakesNorm | bool = True,
        bias: bool = True,
        hidden: Sequence[int] = (512, 512),
    ) -> None:
        super().__init__()
        n_in, height, breadth = in_shape
        if depth not in PLANS:
            raise ValueError(f"VGG: depth must be one of {', '.join(map(str, PLANS))}; got {depth}")
        if pool not in POOLS:
            raise ValueError(f"VGG: pool must be one of {', '.join(POOLS)}; got {pool}")
        if min(height, breadth) < 32:
            raise ValueError(
                f"VGG: in_shape must be at least 32x32, since five stages halve it; got {height}x{breadth}; "
                "choose backbone=scnn, or a data set of larger images"
            )
        makes_norm = norm if callable(norm) else Batch if norm else NoNorm
        self.features = nn.Sequential()
        layer = 0
        for entry in PLANS[depth]:
            if entry == "M":
                self.features.add_module(f"pool{layer}", SeqToANNContainer(POOLS[pool]()))
                continue
            layer, n_out = layer + 1, max(1, round(entry * width))
            sn = neuron()
            after = makes_norm(n_out, v_threshold=threshold_of(sn), meets_sum=False)
            conv = nn.Conv2d(n_in, n_out, 3, padding=1, bias=bias and isinstance(after, NoNorm))
            self.features.add_module(f"conv{layer}", Normed(conv, after))
            self.features.add_module(f"sn{layer}", sn)
            n_in = n_out
        n_in *= (height // 32) * (breadth // 32)
        self.classifier = nn.Sequential()
        for i, entry in enumerate(hidden):
            n_out = max(1, round(entry * width))
            self.classifier.add_module(f"fc{i + 1}", nn.Linear(n_in, n_out, bias=bias))
            self.classifier.add_module(f"sn{i + 1}", neuron())
            n_in = n_out
        self.classifier.add_module("out", nn.Linear(n_in, classes, bias=bias))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(2))

"""ResNet-18 and ResNet-34, with the parameter names of torchvision, so that its weights can be loaded, and ResNet-19."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

from spikingjelly.activation_based.functional import seq_to_ann_forward
from torch import Tensor, nn

from snnx.backbone.weights import load_weights
from snnx.layer.normed import Normed
from snnx.layer.residual_sum import ResidualSum
from snnx.layer.shortcut import Shortcut
from snnx.norm.batch import Batch
from snnx.norm.none import NoNorm
from snnx.norm.norm import MakesNorm, threshold_of

DEPTHS = {
    18: ((64, 2), (128, 2), (256, 2), (512, 2)),
    19: ((128, 3), (256, 3), (512, 2)),
    34: ((64, 3), (128, 4), (256, 6), (512, 3)),
}
"""For each depth, its stages as pairs of channels and number of blocks. The convolution before the stages has 64 channels."""
HIDDEN = {19: 256}
"""Number of neurons in the hidden linear layer, for each depth that has such a layer."""
STEM_POOLS = {"none": nn.Identity, "avg": lambda: nn.AvgPool2d(3, 2, 1), "max": lambda: nn.MaxPool2d(3, 2, 1)}


class ResNet(nn.Module):
    """A stem, stages of basic blocks, the mean over the image, and a linear layer.

        x      = stem_pool(sn1(bn1(conv1(x))))
        x      = block(x)                           2, 2, 2, 2 blocks (depth 18) or 3, 4, 6, 3 (depth 34); see BasicBlock
        scores = fc(mean of x over H and W)

    Depth 19 is the network of papers on direct training: 3, 3, 2 blocks of 128, 256 and 512 channels, and `hidden`, a
    linear layer of 256 neurons, before `fc`. It has 12,630,858 parameters for 10 classes of images with three channels.

    Shape:
        `[T, B, C, H, W]` to `[T, B, classes]`.

    Args:
        neuron: makes one neuron layer for input `[T, B, *]`; `nn.ReLU` gives torchvision's network.
        in_shape: `(C, H, W)` of the encoding's output.
        classes: number of scores.
        width: factor on every number of channels, > 0.
        depth: 18, 19 or 34.
        stem: `imagenet` has a 7x7 convolution with stride 2 and a pooling; `cifar` has a 3x3 convolution with stride 1.
        stem_pool: pooling of the ImageNet stem: `max`, `avg` or `none`. With `none` the stages run at twice the resolution,
            which is how we read the starred networks of On the Future of Training Spiking Neural Networks.
        zero_residual: whether the scale of each block's last norm starts at zero, as torchvision's `zero_init_residual`. At the
            start of training, a block then equals its shortcut: `sn2` passes spikes on if its threshold is 1 or less.
        norm: makes the norm after each convolution; see `MakesNorm`.
        weights: file of a state dict to load, for example torchvision's for `resnet18` with `stem=imagenet stem_pool=max`; or
            `None`.

    Raises:
        FileNotFoundError: the file `weights` does not exist.
        ValueError: `depth`, `stem` or `stem_pool` is not one of its choices, `stem=cifar` is combined with a `stem_pool`, or
            the weights belong to another network, or `zero_residual` is combined with a norm without such a scale.

    Source: He et al., 2016; basic blocks as in torchvision, with `neuron` in place of every ReLU. Depth 19: Zheng et al.,
        STBP-tdBN, 2021; without a neuron after the last layer, as in the code of Deng et al., TET, 2022.

    Example:
        >>> import torch
        >>> net = ResNet(neuron=nn.ReLU, in_shape=(3, 32, 32), classes=10, width=0.25, stem="cifar")
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
        depth: Literal[18, 19, 34] = 18,
        stem: Literal["imagenet", "cifar"] = "cifar",
        stem_pool: Literal["none", "avg", "max"] = "none",
        zero_residual: bool = False,
        weights: str | None = None,
        norm: MakesNorm = Batch,
    ) -> None:
        super().__init__()
        if depth not in DEPTHS:
            raise ValueError(f"ResNet: depth must be one of {', '.join(map(str, DEPTHS))}; got {depth}")
        if stem not in ("imagenet", "cifar"):
            raise ValueError(f"ResNet: stem must be one of imagenet, cifar; got {stem}")
        if stem_pool not in STEM_POOLS or (stem == "cifar" and stem_pool != "none"):
            allowed = "none with stem=cifar" if stem == "cifar" else f"one of {', '.join(STEM_POOLS)}"
            raise ValueError(f"ResNet: stem_pool must be {allowed}; got {stem_pool}")

        def scaled(channels: int) -> int:
            return max(1, round(channels * width))

        kernel, stride = (7, 2) if stem == "imagenet" else (3, 1)
        n_in, sn1 = scaled(64), neuron()
        bn1 = norm(n_in, v_threshold=threshold_of(sn1), meets_sum=False)
        self.conv1 = nn.Conv2d(in_shape[0], n_in, kernel, stride, kernel // 2, bias=isinstance(bn1, NoNorm))
        self.bn1 = bn1
        self.sn1 = sn1
        self.stem_pool = STEM_POOLS[stem_pool]()
        self.stages = [f"layer{i + 1}" for i in range(len(DEPTHS[depth]))]
        for i, (name, (channels, blocks)) in enumerate(zip(self.stages, DEPTHS[depth], strict=True)):
            stage = nn.Sequential()
            for j in range(blocks):
                stage.append(BasicBlock(n_in, scaled(channels), 2 if i > 0 and j == 0 else 1, neuron, norm))
                n_in = scaled(channels)
            self.add_module(name, stage)
        self.hidden = nn.Identity()
        if depth in HIDDEN:
            n_out = scaled(HIDDEN[depth])
            self.hidden, n_in = nn.Sequential(OrderedDict(fc=nn.Linear(n_in, n_out), sn=neuron())), n_out
        self.fc = nn.Linear(n_in, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if zero_residual:
            _start_as_shortcuts(self)
        if weights is not None:
            load_weights(self, weights, name="backbone.weights")

    def forward(self, x: Tensor) -> Tensor:
        x = self.sn1(self.bn1(seq_to_ann_forward(x, self.conv1)))
        x = seq_to_ann_forward(x, self.stem_pool)
        for name in self.stages:
            x = self.get_submodule(name)(x)
        return self.fc(self.hidden(x.mean((3, 4))))


def _start_as_shortcuts(network: ResNet) -> None:
    for block in (module for module in network.modules() if isinstance(module, BasicBlock)):
        scale = dict(block.bn2.named_parameters(recurse=False)).get("weight")
        if scale is None:
            raise ValueError(
                "ResNet: zero_residual needs a norm with a scale for each channel, such as norm=batch; got "
                f"{type(block.bn2).__name__}"
            )
        nn.init.zeros_(scale)


class BasicBlock(nn.Module):
    """Two convolutions and a shortcut, `y = sn2(bn2(conv2(sn1(bn1(conv1(x))))) + shortcut(x))`.

    The norms of the second convolution and of the shortcut are built with `meets_sum=True`.

    Shape:
        `[T, B, n_in, H, W]` to `[T, B, n_out, H/stride, W/stride]`.

    Args:
        n_in, n_out: number of input and output channels.
        stride: stride of the first convolution and of the shortcut.
        neuron: makes one neuron layer.
        norm: makes the norm after each convolution; see `MakesNorm`.
    """

    def __init__(self, n_in: int, n_out: int, stride: int, neuron: Callable[[], nn.Module], norm: MakesNorm = Batch) -> None:
        super().__init__()
        sn1, sn2 = neuron(), neuron()
        bn1 = norm(n_out, v_threshold=threshold_of(sn1), meets_sum=False)
        bn2 = norm(n_out, v_threshold=threshold_of(sn2), meets_sum=True)
        bias = isinstance(bn1, NoNorm)
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=bias)
        self.bn1 = bn1
        self.sn1 = sn1
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=bias)
        self.bn2 = bn2
        self.sum = ResidualSum()
        self.sn2 = sn2
        self.downsample = Shortcut()
        if stride != 1 or n_in != n_out:
            past = norm(n_out, v_threshold=threshold_of(sn2), meets_sum=True)
            self.downsample = Normed(nn.Conv2d(n_in, n_out, 1, stride, bias=bias), past)

    def forward(self, x: Tensor) -> Tensor:
        y = self.sn1(self.bn1(seq_to_ann_forward(x, self.conv1)))
        return self.sn2(self.sum(self.bn2(seq_to_ann_forward(y, self.conv2)), self.downsample(x)))

"""The residual network of Diet-SNN: a stem of three convolutions, and dropout inside of the blocks."""

from collections.abc import Callable, Sequence

from spikingjelly.activation_based.layer import Dropout, SeqToANNContainer
from torch import Tensor, nn

from snnx.layer.mean_pool import MeanPool
from snnx.layer.normed import Normed
from snnx.layer.residual_sum import ResidualSum
from snnx.layer.shortcut import Shortcut
from snnx.norm.batch import Batch
from snnx.norm.none import NoNorm
from snnx.norm.norm import MakesNorm, threshold_of


class ResNet20Diet(nn.Module):
    """Three convolutions, 2x2 average pooling, stages of basic blocks, and a linear layer that reads the whole map.

        x      = drop2(sn2(conv2(drop1(sn1(conv1(x))))))      64 channels; all time steps have the same dropout mask
        x      = pool(sn3(conv3(x)))
        x      = block(x)                                     2 blocks in each of 4 stages; see DropoutBlock
        scores = fc(flattened x)

    Stage i has `64 * 2^i` channels, i = 0, 1, ...; all but the first halve H and W. No layer has a bias. The authors' network
    is this one without norm: for 32x32 pixels in colour, 11,253,440 weights for 10 classes, and 11,437,760 for 100.

    Convolutions start with normal weights of variance `2 / (kernel area * channels of the output)`, and the last layer with
    normal weights of standard deviation 0.01.

    Shape:
        `[T, B, C, H, W]` to `[T, B, classes]`.

    Args:
        neuron: makes one neuron layer for input `[T, B, *]`.
        in_shape: `(C, H, W)` of the encoding's output.
        classes: number of scores.
        width: factor on every number of channels, > 0.
        blocks: number of blocks of each stage.
        dropout: probability with which a dropout sets a value to 0, in [0, 1).
        norm: makes the norm after each convolution; see `MakesNorm`. `True` means batch norm and `False` no norm. In a YAML,
            `true` means the option of the group `norm`.

    Raises:
        ValueError: `blocks` is empty or has a number below 1, `dropout` leaves its range, or the image is smaller than 2x2.

    Source: Rathi and Roy, Diet-SNN, 2020, and the authors' code, nitin-rathi/DIET-SNN, `self_models/resnet.py` and
        `self_models/resnet_spiking.py`.

    Example:
        >>> import torch
        >>> net = ResNet20Diet(neuron=nn.ReLU, in_shape=(3, 32, 32), classes=10, width=0.125, norm=False)
        >>> net(torch.rand(2, 1, 3, 32, 32)).shape, net.fc.in_features          # 64 channels of 2x2 values
        (torch.Size([2, 1, 10]), 256)
    """

    def __init__(
        self,
        *,
        neuron: Callable[[], nn.Module],
        in_shape: tuple[int, int, int],
        classes: int,
        width: float = 1.0,
        blocks: Sequence[int] = (2, 2, 2, 2),
        dropout: float = 0.2,
        norm: MakesNorm | bool = True,
    ) -> None:
        super().__init__()
        if not blocks or min(blocks) < 1:
            raise ValueError(f"ResNet20Diet: blocks must have at least 1 block in each stage; got {list(blocks)}")
        if not 0 <= dropout < 1:
            raise ValueError(f"ResNet20Diet: dropout must be in [0, 1); got {dropout}")
        channels, height, breadth = in_shape
        if min(height, breadth) < 2:
            raise ValueError(f"ResNet20Diet: in_shape must have at least 2x2 pixels; got {height}x{breadth}")
        makes_norm = norm if callable(norm) else Batch if norm else NoNorm
        height, breadth = height // 2, breadth // 2
        n_out = max(1, round(64 * width))
        self.stem = nn.Sequential()
        for number in (1, 2, 3):
            sn = neuron()
            conv = nn.Conv2d(channels, n_out, 3, padding=1, bias=False)
            after = makes_norm(n_out, v_threshold=threshold_of(sn), meets_sum=False)
            self.stem.add_module(f"conv{number}", Normed(conv, after))
            self.stem.add_module(f"sn{number}", sn)
            if number < 3:
                self.stem.add_module(f"drop{number}", Dropout(dropout, step_mode="m"))
            channels = n_out
        self.stem.add_module("pool", SeqToANNContainer(MeanPool()))
        self.stages = nn.Sequential()
        for i, count in enumerate(blocks):
            n_out = max(1, round(64 * 2**i * width))
            stage = nn.Sequential()
            for j in range(count):
                stride = 2 if i > 0 and j == 0 else 1
                stage.append(DropoutBlock(channels, n_out, stride, neuron, makes_norm, dropout))
                channels, height, breadth = n_out, -(-height // stride), -(-breadth // stride)
            self.stages.add_module(f"layer{i + 1}", stage)
        self.fc = nn.Linear(channels * height * breadth, classes, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.fc.weight, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.stages(self.stem(x)).flatten(2))


class DropoutBlock(nn.Module):
    """Two convolutions with a dropout between them, and a shortcut.

        y = sn2(conv2(drop(sn1(conv1(x)))) + shortcut(x))

    The shortcut is x itself, or a 1x1 convolution of x where channels or stride change. The norms of the second convolution and
    of the shortcut are built with `meets_sum=True`.

    Shape:
        `[T, B, n_in, H, W]` to `[T, B, n_out, H/stride, W/stride]`.

    Args:
        n_in, n_out: number of input and output channels.
        stride: stride of the first convolution and of the shortcut.
        neuron: makes one neuron layer.
        norm: makes the norm after each convolution.
        dropout: probability with which a spike of `sn1` is set to 0.
    """

    def __init__(
        self, n_in: int, n_out: int, stride: int, neuron: Callable[[], nn.Module], norm: MakesNorm, dropout: float
    ) -> None:
        super().__init__()
        sn1, sn2 = neuron(), neuron()
        first = norm(n_out, v_threshold=threshold_of(sn1), meets_sum=False)
        second = norm(n_out, v_threshold=threshold_of(sn2), meets_sum=True)
        self.conv1 = Normed(nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), first)
        self.sn1 = sn1
        self.drop = Dropout(dropout, step_mode="m")
        self.conv2 = Normed(nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False), second)
        self.sum = ResidualSum()
        self.sn2 = sn2
        self.downsample = Shortcut()
        if stride != 1 or n_in != n_out:
            past = norm(n_out, v_threshold=threshold_of(sn2), meets_sum=True)
            self.downsample = Normed(nn.Conv2d(n_in, n_out, 1, stride, bias=False), past)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.drop(self.sn1(self.conv1(x))))
        return self.sn2(self.sum(y, self.downsample(x)))

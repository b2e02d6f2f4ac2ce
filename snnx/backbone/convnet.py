"""A small convolutional network for quick runs."""

from collections.abc import Callable, Sequence

from spikingjelly.activation_based.layer import SeqToANNContainer
from torch import Tensor, nn

from snnx.layer.mean_pool import MeanPool
from snnx.layer.normed import Normed
from snnx.norm.batch import Batch
from snnx.norm.none import NoNorm
from snnx.norm.norm import MakesNorm, threshold_of


class ConvNet(nn.Module):
    """A stage of convolution, norm, neuron and 2x2 average pooling for each entry of `channels`, then a linear layer.

        x      = pool(sn(norm(conv3x3(x))))         once per stage
        scores = out(flatten(x))

    A convolution has a bias only if `norm` is none.

    Shape:
        `[T, B, C, H, W]` to `[T, B, classes]`.

    Args:
        neuron: makes one neuron layer for input `[T, B, *]`.
        in_shape: `(C, H, W)` of the encoding's output; each stage halves H and W.
        classes: number of scores.
        width: factor on every number of channels, > 0.
        channels: number of channels of each stage, the first stage first.
        norm: makes the norm after each convolution; see `MakesNorm`.

    Raises:
        ValueError: the image is too small for that many stages.

    Source: no paper; the smallest network with all parts of a convolutional spiking network.

    Example:
        >>> import torch
        >>> net = ConvNet(neuron=nn.ReLU, in_shape=(1, 8, 8), classes=10, channels=[16, 32])
        >>> net(torch.rand(4, 2, 1, 8, 8)).shape, sum(p.numel() for p in net.parameters())
        (torch.Size([4, 2, 10]), 6138)
    """

    def __init__(
        self,
        *,
        neuron: Callable[[], nn.Module],
        in_shape: tuple[int, int, int],
        classes: int,
        width: float = 1.0,
        channels: Sequence[int] = (16, 32),
        norm: MakesNorm = Batch,
    ) -> None:
        super().__init__()
        n_in, height, breadth = in_shape
        if min(height, breadth) >> len(channels) < 1:
            raise ValueError(
                f"ConvNet: channels must have at most {min(height, breadth).bit_length() - 1} entries for {height}x{breadth}, "
                f"which each stage halves; got {len(channels)}"
            )
        self.stages = nn.Sequential()
        for i, n in enumerate(channels):
            n_out = max(1, round(n * width))
            sn = neuron()
            after = norm(n_out, v_threshold=threshold_of(sn), meets_sum=False)
            conv = nn.Conv2d(n_in, n_out, 3, padding=1, bias=isinstance(after, NoNorm))
            self.stages.add_module(f"conv{i + 1}", Normed(conv, after))
            self.stages.add_module(f"sn{i + 1}", sn)
            self.stages.add_module(f"pool{i + 1}", SeqToANNContainer(MeanPool()))
            n_in, height, breadth = n_out, height // 2, breadth // 2
        self.out = nn.Linear(n_in * height * breadth, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.stages(x).flatten(2))

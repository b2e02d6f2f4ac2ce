"""Direct coding with weights: a convolution and a spiking layer turn an image into a spike train."""

from collections.abc import Callable

from torch import Tensor, nn

from snnx.encoding.encoding import Encoding


class ConvDirect(Encoding):
    """A learned first layer whose output is computed once, repeated T times, and turned into spikes by a neuron.

        S = neuron(X),  X[t] = BN(conv3x3(x)) for every t

    The current is constant, so steps differ only because the neuron's state changes. Images may have any real values, so they
    may be normalised. The number of channels stays the same, so the rest of the network is the same as with other encodings.

    Shape:
        `[B, C, H, W]` to `[T, B, C, H, W]`, values 0 and 1.

    Args:
        timesteps: number of steps T, at least 1.
        in_channels: number of channels C of the images.
        neuron: makes the spiking neuron for input `[T, B, *]`; the method resets its state.

    Raises:
        ValueError: `timesteps` is below 1.

    Source:
        Direct Training of Spiking Transformers, figure 4.

    Example:
        >>> import torch
        >>> from spikingjelly.activation_based.neuron import IFNode
        >>> encoding = ConvDirect(timesteps=4, in_channels=1, neuron=lambda: IFNode(step_mode="m"))
        >>> encoding(torch.rand(2, 1, 5, 5)).shape
        torch.Size([4, 2, 1, 5, 5])
    """

    def __init__(self, *, timesteps: int, in_channels: int, neuron: Callable[[], nn.Module]) -> None:
        super().__init__(timesteps=timesteps, in_channels=in_channels)
        self.conv = nn.Conv2d(in_channels, self.out_channels, kernel_size=3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(self.out_channels)
        self.neuron = neuron()

    def forward(self, x: Tensor) -> Tensor:
        current = self.bn(self.conv(x))
        return self.neuron(current.expand(self.timesteps, *current.shape))

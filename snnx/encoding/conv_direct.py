"""Direct coding with weights: a convolution feeds a spiking layer that turns one image into a spike train."""

from collections.abc import Callable

from torch import Tensor, nn

from snnx.encoding.encoding import Encoding


class ConvDirect(Encoding):
    """A learnt first layer: computed once, presented T times, and made into spikes by a spiking neuron.

        S = neuron(X),  X[t] = BN(conv3x3(x)) for every t

    The input is constant, so whatever changes from step to step is the state of the neuron. Takes any real values, so
    normalised images too. C' = C keeps the rest of the network as it is under every other encoding.

    Shape:
        `[B, C, H, W] -> [T, B, C, H, W]`, values 0 and 1.

    Args:
        timesteps: T, at least 1.
        in_channels: C.
        neuron: makes the spiking neuron, which maps `[T, B, ...]` to spikes; its state is reset by the method.

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

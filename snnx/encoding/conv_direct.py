"""Direct coding with weights: a convolution and a spiking layer turn an image into a spike train."""

from collections.abc import Callable

from torch import Tensor, nn

from snnx.encoding.encoding import Encoding


class ConvDirect(Encoding):
    """A learned first layer whose output is computed once, repeated T times, and turned into spikes by a neuron.

        S = neuron(X),  X[t] = BN(conv(x)) for every t

    The current is constant, so steps differ only because the neuron's state changes. Images may have any real values, so they
    may be normalised. A constant current becomes one of few spike trains, so a single channel loses much of the image; several
    lose less.

    Shape:
        `[B, C, H, W]` to `[T, B, C', H, W]`, values 0 and 1, with C' = `channels`.

    Args:
        timesteps: number of steps T, at least 1.
        in_channels: number of channels C of the images.
        neuron: makes the spiking neuron for input `[T, B, *]`; the method resets its state.
        channels: number of channels C' of the convolution, at least 1; `None` means C.
        kernel: side of the convolution's kernel, odd, so that the image keeps its size.
        norm: whether batch norm follows the convolution; without it the convolution has a bias.

    Raises:
        ValueError: `timesteps` or `channels` is below 1, or `kernel` is not a positive odd number.

    Source:
        Direct Training of Spiking Transformers, figure 4. The paper states neither the channels nor the kernel nor a norm.

    Example:
        >>> import torch
        >>> from spikingjelly.activation_based.neuron import IFNode
        >>> encoding = ConvDirect(timesteps=4, in_channels=1, channels=8, neuron=lambda: IFNode(step_mode="m"))
        >>> encoding(torch.rand(2, 1, 5, 5)).shape
        torch.Size([4, 2, 8, 5, 5])
    """

    def __init__(
        self,
        *,
        timesteps: int,
        in_channels: int,
        neuron: Callable[[], nn.Module],
        channels: int | None = None,
        kernel: int = 3,
        norm: bool = True,
    ) -> None:
        super().__init__(timesteps=timesteps, in_channels=in_channels)
        if channels is not None and channels < 1:
            raise ValueError(f"ConvDirect: channels must be at least 1, or null for as many as the image has; got {channels}")
        if kernel < 1 or kernel % 2 == 0:
            raise ValueError(f"ConvDirect: kernel must be odd and positive, so that the image keeps its size; got {kernel}")
        self.out_channels = in_channels if channels is None else channels
        self.conv = nn.Conv2d(in_channels, self.out_channels, kernel, padding=kernel // 2, bias=not norm)
        self.bn = nn.BatchNorm2d(self.out_channels) if norm else nn.Identity()
        self.neuron = neuron()

    def forward(self, x: Tensor) -> Tensor:
        current = self.bn(self.conv(x))
        return self.neuron(current.expand(self.timesteps, *current.shape))

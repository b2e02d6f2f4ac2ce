"""Encodes images as spikes of input neurons, which the image charges."""

from spikingjelly.activation_based import functional
from spikingjelly.activation_based.base import MemoryModule
from torch import Tensor

from snnx.encoding.encoding import Encoding
from snnx.neuron.node import Node


class Presented(Encoding, MemoryModule):
    """Charges one input neuron per pixel with the image, once in every `every` steps, and returns the outputs of these neurons.

        X[t] = neuron(x if t is a multiple of every, else 0)

    Without a reset, the next call continues with the next steps of the same images. Metrics do not count the spikes of pixels.

    Shape:
        `[B, C, H, W]` to `[T, B, C, H, W]`.

    Args:
        timesteps: number of steps that a call returns, at least 1.
        in_channels: number of channels C of the images.
        neuron: the layer of input neurons.
        every: number of steps of a presentation of the image, at least 1.

    Raises:
        ValueError: `timesteps` is below 1, or a value of x is outside [0, 1].

    Example:
        >>> import torch
        >>> from snnx.neuron.if_ import IF
        >>> encoding = Presented(timesteps=3, in_channels=1, neuron=IF(v_threshold=0.5, v_reset=None), every=2)
        >>> [encoding(torch.full((1, 1, 1, 1), 0.25)).flatten().tolist() for _ in range(2)]
        [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    """

    def __init__(self, *, timesteps: int, in_channels: int, neuron: Node, every: int) -> None:
        super().__init__(timesteps=timesteps, in_channels=in_channels)
        self._neuron = (neuron,)  # in a tuple, so that torch does not count it as a layer of neurons of the network
        self.every = every
        self.register_memory("step", 0)

    @property
    def neuron(self) -> Node:
        """The layer of input neurons."""
        return self._neuron[0]

    def reset(self) -> None:
        """Forget the images, and start again at step 0."""
        super().reset()
        functional.reset_net(self.neuron)

    def forward(self, x: Tensor) -> Tensor:
        self.require_range(x)
        current = x.new_zeros(self.timesteps, *x.shape)
        current[-self.step % self.every :: self.every] = x
        self.step += self.timesteps
        return self.neuron(current)

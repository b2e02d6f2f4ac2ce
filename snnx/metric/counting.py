"""What every count of operations starts from: which layer reads the input, of what kind it is, which attentions are seen."""

from typing import ClassVar

from spikingjelly.activation_based.base import MemoryModule
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from snnx.attention.self_attention import SelfAttention
from snnx.energy.attention_products import products
from snnx.metric.metric import Metric
from snnx.neuron.node import Node
from snnx.norm.foldable import require_foldable
from snnx.spike_time.dynamic_threshold import DynamicThreshold

UNCOUNTED = (_ConvNd, nn.Bilinear, nn.RNNBase, nn.RNNCellBase)
"""Layers of torch that multiply by a matrix; of all of them, `Conv2d` alone is counted."""


class Counting(Metric):
    """A metric of the operations of all layers, those of a learnt encoding included, whatever `method.watch` says.

    The first layer that runs reads the input, which is spikes if all of it is whole numbers; every other reads spikes, or
    values in a network without any. What is the same at every step is computed once by the first layer.

    What a network multiplies without a layer, by `F.linear` or `@`, is not seen and not counted.

    Raises:
        ValueError: the network has an attention whose products cannot be seen, a layer that is not counted, or a norm that
            the layer before it cannot take in.
    """

    in_pieces: ClassVar[bool] = True

    def __init__(self) -> None:
        self._spikes, self._times = True, False
        self._first: str | None = None  # the layer that reads the input of the batch that is running
        self._values = self._constant = self._started = False
        self._last: Tensor | None = None  # spikes of the neurons that ran last

    def begin(self, network: nn.Module) -> None:
        require_foldable(network, who=type(self).__name__)
        for name, module in network.named_modules():
            if type(module).__name__.endswith("Attention") and not isinstance(module, SelfAttention):
                raise ValueError(
                    f"{type(self).__name__}: attention must be snnx.attention.self_attention, whose products can be seen; got "
                    f"{type(module).__module__}.{type(module).__name__} in {name}"
                )
            if isinstance(module, UNCOUNTED) and not isinstance(module, nn.Conv2d):
                raise ValueError(
                    f"{type(self).__name__}: products must be those of Conv2d, Linear and SelfAttention, which are counted; "
                    f"got {type(module).__name__} in {name}, which would count as nothing"
                )
            if isinstance(module, SelfAttention) and not isinstance(module.v_sn, Node):
                raise ValueError(
                    f"{type(self).__name__}: attention must be of spikes, whose products are additions; got "
                    f"{type(module.v_sn).__name__} in {name}: choose a spiking neuron"
                )
        self._spikes = any(isinstance(module, MemoryModule) for module in network.modules())
        self._times = any(isinstance(module, DynamicThreshold) for module in network.modules())
        self._last = None

    def measure_input(self, images: Tensor, encoded: Tensor) -> dict[str, dict[str, Tensor]]:
        self._first, self._started = None, False
        fired = encoded[:1] if self._times and len(encoded) == 2 else encoded
        self._values = not bool((fired == fired.round()).all()) or (fired is not encoded and not bool(fired.any()))
        self._constant = encoded.stride(0) == 0 or len(encoded) == 1
        return {}

    def measure(self, h: Tensor, s: Tensor, node: Node) -> dict[str, Tensor]:
        self._last = s
        self._spikes = True  # also where only the encoding fires
        return {}

    def measure_norm(self, layer: str) -> dict[str, Tensor]:
        """Curves of the layer that ran last, of which a batch norm that can be folded into it reads the output."""
        return {}

    def reads_values(self, layer: str) -> bool:
        """Whether the layer that runs now reads values; the first one asked about is the first of the network."""
        self._first = self._first or layer
        return self._values if layer == self._first else not self._spikes

    def computed_steps(self, layer: str, steps: int) -> int:
        """How many of these steps a layer that reads values computes: the first one reads a constant input once a sample."""
        if not (self._constant and layer == self._first):
            return steps
        steps, self._started = 0 if self._started else 1, True
        return steps

    def products(self, before: Tensor, after: Tensor, attention: SelfAttention) -> Tensor:
        """`[T, B]`: additions of an attention's two products, whose scores these are; the last neurons made its values."""
        return products(before, after, self._last)

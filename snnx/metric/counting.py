"""The base class of metrics that count operations: finds the first layer, and the layers that read spikes."""

from typing import ClassVar

from spikingjelly.activation_based.base import MemoryModule
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from snnx.attention.self_attention import SelfAttention
from snnx.energy.attention_products import products
from snnx.metric.metric import Metric
from snnx.neuron.spiking import is_spiking
from snnx.norm.foldable import require_foldable
from snnx.spike_time.dynamic_threshold import DynamicThreshold

UNCOUNTED = (_ConvNd, nn.Bilinear, nn.RNNBase, nn.RNNCellBase)
"""Layers of torch that multiply by weights and are not counted, except for `Conv2d`."""


class Counting(Metric):
    """A metric of the operations in all layers, including those of a learned encoding and those not in `method.watch`.

    The first layer that runs reads the input; it counts as spikes if all its values are whole numbers. All other layers read
    spikes, or values if the network has no spiking neurons. If the input is the same at every step, the first layer counts as
    computed once.

    Multiplications outside of layers, such as `F.linear` or `@`, are not seen and not counted.

    Raises:
        ValueError: the network has an attention whose products cannot be measured, a type of layer that is not counted, or a
            norm that cannot be folded into the layer before it.
    """

    in_pieces: ClassVar[bool] = True

    def __init__(self) -> None:
        self._spikes, self._times = True, False
        self._first: str | None = None  # name of the layer that reads the input of the present batch
        self._values = self._constant = self._started = False
        self._last: Tensor | None = None  # spikes of the neuron layer that ran last

    def begin(self, network: nn.Module) -> None:
        require_foldable(network, who=type(self).__name__)
        for name, module in network.named_modules():
            if type(module).__name__.endswith("Attention") and not isinstance(module, SelfAttention):
                raise ValueError(
                    f"{type(self).__name__}: attention must be snnx.attention.self_attention, whose products can be measured; "
                    f"got {type(module).__module__}.{type(module).__name__} in {name}"
                )
            if isinstance(module, UNCOUNTED) and not isinstance(module, nn.Conv2d):
                raise ValueError(
                    f"{type(self).__name__}: backbone must multiply in Conv2d, Linear and SelfAttention only, which can be "
                    f"counted; got {type(module).__name__} in {name}"
                )
            if isinstance(module, SelfAttention) and not is_spiking(module.v_sn):
                raise ValueError(
                    f"{type(self).__name__}: attention must have spiking neurons, whose products are additions; got "
                    f"{type(module.v_sn).__name__} in {name}; choose another neuron"
                )
        self._spikes = any(isinstance(module, MemoryModule) or is_spiking(module) for module in network.modules())
        self._times = any(isinstance(module, DynamicThreshold) for module in network.modules())
        self._last = None

    def measure_input(self, images: Tensor, encoded: Tensor) -> dict[str, dict[str, Tensor]]:
        self._first, self._started = None, False
        fired = encoded[:1] if self._times and len(encoded) == 2 else encoded
        self._values = not bool((fired == fired.round()).all()) or (fired is not encoded and not bool(fired.any()))
        self._constant = encoded.stride(0) == 0 or len(encoded) == 1
        return {}

    def measure(self, h: Tensor | None, s: Tensor, node: nn.Module) -> dict[str, Tensor]:
        self._last = s
        self._spikes = True  # also true if only the encoding has neurons
        return {}

    def measure_norm(self, layer: str) -> dict[str, Tensor]:
        """Return curves of the layer that ran last; a batch norm reads its output and can be folded into it."""
        return {}

    def reads_values(self, layer: str) -> bool:
        """Whether a layer reads values instead of spikes; the layer of the first call is taken as the network's first layer."""
        self._first = self._first or layer
        return self._values if layer == self._first else not self._spikes

    def computed_steps(self, layer: str, steps: int) -> int:
        """Return how many steps a layer that reads values computes: one per sample if it is the first with constant input."""
        if not (self._constant and layer == self._first):
            return steps
        steps, self._started = 0 if self._started else 1, True
        return steps

    def products(self, before: Tensor, after: Tensor, attention: SelfAttention) -> Tensor:
        """Return `[T, B]`: the additions in an attention's two products; its values v come from the last neuron layer."""
        return products(before, after, self._last)

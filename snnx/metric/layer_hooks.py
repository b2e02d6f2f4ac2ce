"""Attaches hooks to the layers of a network, and tells a listener what each layer does while it runs."""

from collections.abc import Mapping
from functools import partial
from typing import Protocol

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from snnx.attention.self_attention import SelfAttention
from snnx.neuron.node import Node
from snnx.norm.foldable import is_batch_norm


class Listener(Protocol):
    """Receives what the hooked layers do, in the order in which they run."""

    def see_neurons(self, name: str, node: nn.Module, h: Tensor | None, s: Tensor) -> None:
        """A neuron layer ran, with potentials before reset (`None` if it does not expose them) and spikes `[T, B, *]`."""

    def see_scores(self, name: str, attention: SelfAttention, before: Tensor, after: Tensor) -> None:
        """A spiking attention made its scores, before and after a denoiser, both `[T, B, h, N, N]`."""

    def see_layer(self, name: str, layer: nn.Conv2d | nn.Linear, x: Tensor) -> None:
        """A convolution or a linear layer reads `x`."""

    def see_norm(self, name: str) -> None:
        """A batch norm reads the output of this convolution or linear layer and of nothing else."""


class LayerHooks:
    """The hooks of one recording; without them, a network runs at full speed.

    Args:
        listener: the object whose methods are called.
        nodes: neuron layers by name.
        attentions: spiking attentions by name.
        layers: other modules by name; of these, convolutions, linear layers and batch norms get hooks.
        norms: whether batch norms get hooks.
    """

    def __init__(
        self,
        listener: Listener,
        *,
        nodes: Mapping[str, nn.Module],
        attentions: Mapping[str, SelfAttention],
        layers: Mapping[str, nn.Module],
        norms: bool,
    ) -> None:
        self.listener, self.nodes, self.attentions = listener, nodes, attentions
        self._hooks: list[RemovableHandle] = []
        self._made: tuple[str, Tensor] | None = None  # name and output of the layer that ran last
        for name, node in nodes.items():
            if isinstance(node, Node):
                node.probe = partial(listener.see_neurons, name, node)
            else:
                self._hooks.append(node.register_forward_hook(partial(self._after_neurons, name)))
        for name, attention in attentions.items():
            attention.probe = partial(listener.see_scores, name, attention)
        for name, module in layers.items():
            if isinstance(module, nn.Conv2d | nn.Linear):
                self._hooks.append(module.register_forward_pre_hook(partial(self._before_layer, name)))
                self._hooks.append(module.register_forward_hook(partial(self._after_layer, name)))
            elif norms and is_batch_norm(module):
                self._hooks.append(module.register_forward_pre_hook(self._before_norm))

    def remove(self) -> None:
        """Remove all hooks and probes from the network."""
        for watched in (*self.nodes.values(), *self.attentions.values()):
            if isinstance(watched, Node | SelfAttention):
                watched.probe = None
        for hook in self._hooks:
            hook.remove()
        self._hooks, self._made = [], None

    def _after_neurons(self, name: str, node: nn.Module, inputs: tuple[Tensor], s: Tensor) -> None:
        self.listener.see_neurons(name, node, None, s.detach())

    def _before_layer(self, name: str, layer: nn.Module, inputs: tuple[Tensor]) -> None:
        self.listener.see_layer(name, layer, inputs[0])

    def _after_layer(self, name: str, layer: nn.Module, inputs: tuple[Tensor], y: Tensor) -> None:
        self._made = name, y

    def _before_norm(self, norm: nn.Module, inputs: tuple[Tensor]) -> None:
        """If the norm reads the output of the last layer, possibly reshaped, it can be folded into that layer."""
        name, y = self._made or ("", inputs[0].new_empty(0))
        if y.data_ptr() == inputs[0].data_ptr() and y.numel() == inputs[0].numel():
            self.listener.see_norm(name)

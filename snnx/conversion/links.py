"""Finds, in one forward pass, which activation each layer reads and which one reads it."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.pooling import _MaxPoolNd
from torch.overrides import TorchFunctionMode

from snnx.conversion.kernel import TemporalKernel
from snnx.layer.clipped import Clipped
from snnx.layer.shortcut import Shortcut

ACTIVATIONS = (nn.ReLU, Clipped, TemporalKernel)
LAYERS = (nn.Conv2d, nn.Linear, Shortcut)
SUMS = {"add", "add_", "__add__", "__radd__", "__iadd__"}
LINEAR = SUMS | {  # linear operations, allowed between layers: if all inputs are doubled, the output is doubled
    "flatten", "unflatten", "reshape", "view", "transpose", "permute", "expand", "contiguous", "squeeze", "unsqueeze",
    "__getitem__", "mean", "sum", "mul", "__mul__", "__rmul__", "mul_", "div", "__truediv__", "div_",
    "matmul", "__matmul__", "avg_pool2d", "adaptive_avg_pool2d", "dropout", "clone", "detach",
}  # fmt: skip
INSTEAD = {
    "MaxPool": "average pooling (backbone.pool=avg, or backbone.stem_pool=none), or another backbone, such as convnet, since "
    "the larger of two rates is not a sum of spikes",
    "max_pool2d": "average pooling (backbone.pool=avg, or backbone.stem_pool=none)",
    "batch_norm": "a batch norm directly after a convolution or linear layer, into which it can be folded",
    "layer_norm": "batch norm",
    "scaled_dot_product_attention": "a convolutional backbone",
    "relu": "the neuron() that is passed to the backbone",
}


class Link(NamedTuple):
    """The activations before and after a layer."""

    source: str | None
    """The activation that feeds the layer; `None` is the network's input."""
    sink: str | None
    """The activation that the layer feeds; `None` is the network's output."""


class _Way(NamedTuple):
    """Where a tensor comes from: the last activation on its way, and the layers after that activation."""

    source: str | None
    layers: frozenset[str]


def links(network: nn.Module, in_shape: tuple[int, int, int], *, who: str = "Conversion") -> dict[str, Link]:
    """Return the link of every convolution, linear layer and shortcut, in the order in which they run.

    Args:
        network: takes `[T, B, C, H, W]`, with its batch norms folded; one image of zeros is passed through it.
        in_shape: `(C, H, W)`.
        who: class or option with which messages begin.

    Raises:
        ValueError: the network has an operation that spiking neurons cannot replace; the message says which, where, and what
            to use instead.

    Example:
        >>> from snnx.backbone.convnet import ConvNet
        >>> from snnx.conversion.fold_norm import fold_norm
        >>> net = fold_norm(ConvNet(neuron=nn.ReLU, in_shape=(1, 8, 8), classes=2, channels=[4]), (1, 8, 8))
        >>> links(net, (1, 8, 8))
        {'stages.conv1.0': Link(source=None, sink='stages.sn1'), 'out': Link(source='stages.sn1', sink=None)}
    """
    try:
        return _links(network, in_shape)
    except _Refused as error:
        raise ValueError(f"{who}: {error}") from None


def _links(network: nn.Module, in_shape: tuple[int, int, int]) -> dict[str, Link]:
    parameter = next(network.parameters())
    image = torch.zeros(1, 1, *in_shape, dtype=parameter.dtype, device=parameter.device)
    with torch.no_grad(), _Follower(network) as follower:
        follower.note(image, _Way(None, frozenset()))
        way = follower.way(network(image))
    if way is None or not way.layers:
        raise _refusal("an output that does not come from a layer", "the network", "a linear layer as the last layer")
    for layer in way.layers:
        follower.sinks[layer] = None
    unread = [name for name in follower.sources if name not in follower.sinks]
    if unread:
        raise _refusal("a layer whose output is not used", unread[0], "a backbone without that layer")
    return {name: Link(source, follower.sinks[name]) for name, source in follower.sources.items()}


class _Follower(TorchFunctionMode):
    """Notes for every new tensor where it comes from, while this context is active."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.sources: dict[str, str | None] = {}
        self.sinks: dict[str, str | None] = {}
        self._ways: list[tuple[Tensor, _Way]] = []  # keeps the tensors, so that no two share an address
        self._inside: list[str] = []  # names of the modules that run at present
        self._closed = 0  # number of layers and activations that run at present; what they do inside is not followed
        self._hooks: list = []

    def __enter__(self) -> "_Follower":
        for name, module in self.network.named_modules():
            known = isinstance(module, (*LAYERS, *ACTIVATIONS))
            self._hooks.append(module.register_forward_pre_hook(self._entering(name, module, known)))
            self._hooks.append(module.register_forward_hook(self._leaving(name, module, known)))
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        for hook in self._hooks:
            hook.remove()
        super().__exit__(*error)

    def note(self, tensor: Tensor, way: _Way) -> None:
        self._ways.append((tensor, way))

    def way(self, tensor: object) -> _Way | None:
        return next((way for known, way in reversed(self._ways) if known is tensor), None)

    def __torch_function__(self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None) -> object:
        result = func(*args, **(kwargs or {}))
        met = [way for way in map(self.way, args) if way is not None]
        if self._closed or not met or not isinstance(result, Tensor):
            return result
        name, where = func.__name__, self._inside[-1] if self._inside else ""
        if name not in LINEAR or (name not in SUMS and len(met) > 1):
            raise _refusal(
                name,
                where,
                INSTEAD["max_pool2d"] if "max" in name else INSTEAD.get(name, "one of the operations named above"),
            )
        if name in SUMS and len(met) == 1 and any(isinstance(other, Tensor | int | float) for other in args[1:]):
            raise _refusal("a sum with a constant", where, "a layer's bias")
        self.note(result, _together(met, where))
        return result

    def _entering(self, name: str, module: nn.Module, known: bool) -> Callable:
        def enter(_: nn.Module, given: tuple) -> None:
            if isinstance(module, _MaxPoolNd):
                raise _refusal(type(module).__name__, name, INSTEAD["MaxPool"])
            self._inside.append(name)
            self._closed += known

        return enter

    def _leaving(self, name: str, module: nn.Module, known: bool) -> Callable:
        def leave(_: nn.Module, given: tuple, result: Tensor) -> Tensor | None:
            self._inside.pop()
            if not known:
                return None
            came = self.way(given[0])
            result = result.view(result.shape)  # a new tensor, since a shortcut returns its input itself
            self._closed -= 1
            if isinstance(module, ACTIVATIONS):
                if came is None or not came.layers or name in self.sinks.values():
                    raise _refusal("an activation that does not follow a layer, or is used twice", name, "one per layer")
                self.sinks |= dict.fromkeys(came.layers, name)
                self.note(result, _Way(name, frozenset()))
            else:
                if came is None or came.layers or name in self.sources:
                    raise _refusal("a layer that follows another layer, or is used twice", name, "a neuron() between the two")
                self.sources[name] = came.source
                self.note(result, _Way(None, frozenset([name])))
            return result

        return leave


def _together(met: list[_Way], where: str) -> _Way:
    layers = frozenset().union(*(way.layers for way in met))
    if layers and not all(way.layers for way in met):
        raise _refusal("a shortcut without a gain", where, "snnx.layer.shortcut.Shortcut")
    if not layers and len({way.source for way in met}) > 1:
        raise _refusal("a sum of two activations", where, "snnx.layer.shortcut.Shortcut")
    return _Way(None if layers else met[0].source, layers)


class _Refused(Exception):
    """The network has an operation that spiking neurons cannot replace."""


def _refusal(what: str, where: str, instead: str) -> _Refused:
    return _Refused(
        "backbone must consist of convolutions, linear layers, batch norms after them, averages, sums and "
        f"activations; got {what} in {where or 'the network'}; use {instead}, or choose a backbone that can be converted, such "
        "as convnet, mlp, resnet or vgg"
    )

"""Describes a network after it was built, to check that the rows of an ablation differ in their factor only."""

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from snnx.neuron.spiking import path_of, spiking_layers

NEURON = ("v_threshold", "v_reset", "detach_reset", "tau")  # the neurons' constants that are compared


def built(network: nn.Module) -> dict[str, dict]:
    """Describe a network as `{aspect: {layer: value}}`: its layers in order, biases, initial weights and neuron constants.

    A parameter of a neuron, such as a learned `tau`, is listed under its name in the configuration and not under the weights.
    What is not known is `None`: the values of parameters on the meta device, and the implementation before a forward pass.

    Example:
        >>> from snnx.neuron.lif import LIF
        >>> found = built(nn.Sequential(nn.Linear(2, 3), LIF(tau=2.0)))
        >>> found["layers"], found["bias"], found["tau"]
        ({'0': 'Linear [3, 2]', '1': 'neuron'}, {'0': True}, {'1': 2.0})
    """
    nodes = spiking_layers(network)
    plain = dict(_plain(network))
    weights = {
        f"{name}.{key}": value
        for name, module in plain.items()
        for key, value in module.named_parameters(recurse=False)
        if not is_lazy(value)
    }
    leaves = {name: module for name, module in network.named_modules() if name in nodes or _childless(plain.get(name))}
    layers = {name: "neuron" if name in nodes else _shape(module) for name, module in leaves.items()}
    constants = {key: {name: _constant(node, key) for name, node in nodes.items()} for key in NEURON}
    return {
        "layers": layers,
        "parameters": {"outside neurons": sum(value.numel() for value in weights.values())},
        "bias": {name: module.bias is not None for name, module in plain.items() if hasattr(module, "bias")},
        "initial weights": {name: _digest(value) for name, value in weights.items()},
        **constants,
        "surrogate": {name: str(getattr(node, "surrogate_function", None)) for name, node in nodes.items()},
        "implementation": implementation(network),
    }


def implementation(network: nn.Module) -> dict[str, str | None]:
    """Return what each layer of neurons ran on, as `{layer: path}`; `None` before a forward pass."""
    return {name: path_of(node) for name, node in spiking_layers(network).items()}


def _plain(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Return the modules that are neither a neuron nor part of one."""
    inside = {id(part) for layer in spiking_layers(network).values() for part in layer.modules()}
    return ((name, module) for name, module in network.named_modules() if id(module) not in inside)


def _childless(module: nn.Module | None) -> bool:
    return module is not None and next(module.children(), None) is None


def _shape(module: nn.Module) -> str:
    weight = getattr(module, "weight", None)
    return type(module).__name__ + (f" {list(weight.shape)}" if isinstance(weight, Tensor) and not is_lazy(weight) else "")


def _constant(node: nn.Module, key: str) -> object:
    try:
        value = getattr(node, key, None)
        if isinstance(value, Tensor):
            value = value.item() if value.numel() == 1 else _digest(value)
    except RuntimeError:  # on the meta device, a learned parameter has no value
        return None
    if value is None and key == "v_reset":
        return "soft"
    if isinstance(value, float):
        return round(value, 4)  # a learned value is float32, in which 0.1 is 0.10000000149
    return value if isinstance(value, int | None) else str(value)


def _digest(value: Tensor) -> str | None:
    if value.is_meta:
        return None
    return hashlib.sha256(value.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()[:8]

"""Finds what a neuron keeps in its attributes, outside of its states."""

import torch
from spikingjelly.activation_based.functional import reset_net
from torch import Tensor, nn

from snnx.neuron.node import Node
from snnx.testing.firing_input import Make


def alike(one: object, other: object) -> bool:
    """Whether two values are equal; tensors also inside dicts and lists."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    plain = isinstance(one, int | float | str | bool) or one is None
    return one == other if plain else type(one) is type(other)


def kept(node: nn.Module) -> dict[str, object]:
    """Return the attributes and buffers of a neuron, except its states and what every neuron has."""
    own = {name: value for name, value in vars(node).items() if name not in vars(Node())}
    return own | dict(node.named_buffers())


def undeclared(make: Make, x: Tensor) -> list[str]:
    """Return the attributes that a forward pass changes and that a reset does not restore, except those of every neuron."""
    node = make()
    before = _identities(node)
    node(x)
    reset_net(node)
    return [name for name, value in _identities(node).items() if value != before.get(name) and name not in vars(Node())]


def _identities(node: nn.Module) -> dict[str, object]:
    """Return the id of each attribute's value; for a dict or list, the ids of its entries."""
    return {
        name: [*map(id, value.values() if isinstance(value, dict) else value)] if isinstance(value, dict | list) else id(value)
        for name, value in vars(node).items()
    }

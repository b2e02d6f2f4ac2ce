"""Builds the component that a configuration group selects, and passes it the other components that it takes."""

from functools import partial
from inspect import signature
from typing import Any

from hydra.utils import get_object, instantiate

HOLDS = {
    "dataset": ("augmentation",),
    "encoding": ("neuron",),
    "neuron": ("surrogate",),
    "backbone": ("attention", "norm"),
    "decoding": ("neuron",),
    "method": ("encoding", "neuron", "backbone", "decoding", "loss", "metric", "optimizer", "scheduler"),
}
"""Which groups an option of a group gets, if its signature names them: so each stands in a configuration once. An option whose
own YAML has a key of that name says there whether it gets the group: `backbone.norm=false` leaves it out."""


def component(config: dict, group: str) -> Any:
    """Build the component of a group, and pass it the components of other groups that its constructor takes as arguments.

    For example, `LIF` has an argument `surrogate`, so it is built with the component of the group `surrogate`.

    Args:
        config: the resolved configuration as plain dicts; a group holds one component, or several by name as `metric=[a,b]`.
        group: name of the group.

    Returns:
        The object, or a `functools.partial` if the option sets `_partial_: true`; for several components, a dict of them by
        name; `None` if the group is null.

    Example:
        >>> config = {"neuron": {"_target_": "snnx.neuron.lif.LIF", "_partial_": True, "tau": 4.0},
        ...           "surrogate": {"_target_": "spikingjelly.activation_based.surrogate.Sigmoid", "alpha": 4.0}}
        >>> neuron = component(config, "neuron")()
        >>> neuron.tau, neuron.surrogate_function
        (4.0, Sigmoid(alpha=4.0, spiking=True))
    """
    node = config.get(group)
    if node is None:
        return None
    if "_target_" not in node:
        return {name: instantiate(one, _convert_="all") for name, one in node.items()}
    held = {name: component(config, name) for name in held_by(group, node)}
    held = {name: made for name, made in held.items() if made is not None}  # a null group leaves the constructor's default
    made = instantiate({**node, "_partial_": True}, _convert_="all")
    return partial(made, **held) if node.get("_partial_") else made(**held)


def held_by(group: str, node: dict) -> list[str]:
    """Return the groups whose components are passed to this option of `group`.

    Example:
        >>> held_by("neuron", {"_target_": "snnx.neuron.lif.LIF"})
        ['surrogate']
    """
    named = signature(get_object(node["_target_"])).parameters
    return [name for name in HOLDS.get(group, ()) if name in named and node.get(name) is not False]


def used(config: dict) -> set[str]:
    """Return all groups that the run uses: those passed to the data module and the method, and those passed to these in turn.

    Example:
        >>> lif = {"_target_": "snnx.neuron.lif.LIF"}
        >>> digits = {"_target_": "snnx.dataset.digits.Digits"}
        >>> direct = {"_target_": "snnx.method.direct.Direct"}
        >>> run = {"dataset": digits, "augmentation": None, "method": direct, "neuron": lif, "surrogate": None}
        >>> sorted(used(run))
        ['augmentation', 'backbone', 'decoding', 'encoding', 'loss', 'metric', 'neuron', 'optimizer', 'scheduler', 'surrogate']
    """
    found, todo = set(), ["dataset", "method"]
    while todo:
        group = todo.pop()
        node = config.get(group) or {}
        held = held_by(group, node) if "_target_" in node else []
        todo += [name for name in held if name not in found]
        found |= set(held)
    return found

"""Builds the component that a configuration group selects, and passes it the other components that it takes."""

from inspect import signature
from typing import Any

from snnx.run.create import create
from snnx.run.target import target

PASSED = {
    "dataset": ("augmentation",),
    "encoding": ("neuron",),
    "neuron": ("surrogate",),
    "backbone": ("attention", "norm"),
    "decoding": ("neuron",),
    "method": ("encoding", "neuron", "backbone", "decoding", "loss", "metric", "optimizer", "scheduler"),
}
"""For each group, the groups whose components are passed to its constructor if this has an argument of that name.

For example, the component of the group `surrogate` is passed to a neuron with an argument `surrogate`. So each group is written
only once in a configuration. A key of that name with the value false leaves the component out, as in `backbone.norm=false`.
"""


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
        return create(group, node)
    passed = {name: component(config, name) for name in groups_passed_to(group, node)}
    passed = {name: built for name, built in passed.items() if built is not None}  # a null group leaves the argument's default
    return create(group, node, **passed)


def groups_passed_to(group: str, node: dict) -> list[str]:
    """Return the groups whose components are passed to this option of `group`.

    Example:
        >>> groups_passed_to("neuron", {"_target_": "snnx.neuron.lif.LIF"})
        ['surrogate']
    """
    named = signature(target(group, node["_target_"])).parameters
    return [name for name in PASSED.get(group, ()) if name in named and node.get(name) is not False]


def groups_used(config: dict) -> set[str]:
    """Return all groups that the run uses: those passed to the data module and the method, and those passed to these in turn.

    Example:
        >>> lif = {"_target_": "snnx.neuron.lif.LIF"}
        >>> digits = {"_target_": "snnx.dataset.digits.Digits"}
        >>> direct = {"_target_": "snnx.method.direct.Direct"}
        >>> run = {"dataset": digits, "augmentation": None, "method": direct, "neuron": lif, "surrogate": None}
        >>> sorted(groups_used(run))
        ['augmentation', 'backbone', 'decoding', 'encoding', 'loss', 'metric', 'neuron', 'optimizer', 'scheduler', 'surrogate']
    """
    found, todo = set(), ["dataset", "method"]
    while todo:
        group = todo.pop()
        node = config.get(group) or {}
        passed = groups_passed_to(group, node) if "_target_" in node else []
        todo += [name for name in passed if name not in found]
        found |= set(passed)
    return found

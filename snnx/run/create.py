"""Creates the object that a node of a configuration describes."""

from functools import partial
from typing import Any

from snnx.run.signature import arguments, check_signature


def create(path: str, node: Any, **further: Any) -> Any:
    """Create the object of a node, and before it the components among its arguments.

    Each node is checked by `check_signature` before anything is imported or called, in every process. A value without
    `_target_` stays as it is, also a text that looks like an interpolation: Hydra's `instantiate` would resolve it.

    Args:
        path: the dotted key of the node in the configuration; its first part is a group.
        node: a mapping with `_target_` and arguments, or any other value.
        further: further arguments.

    Returns:
        The object; with `_partial_: true`, a `functools.partial` that makes it from the missing arguments.

    Example:
        >>> create("surrogate", {"_target_": "spikingjelly.activation_based.surrogate.Sigmoid", "alpha": 4.0})
        Sigmoid(alpha=4.0, spiking=True)
        >>> create("optimizer", {"_target_": "torch.optim.SGD", "_partial_": True, "lr": 0.1})
        functools.partial(<class 'torch.optim.sgd.SGD'>, lr=0.1)
    """
    if isinstance(node, list):
        return [create(f"{path}.{index}", item) for index, item in enumerate(node)]
    if not isinstance(node, dict):
        return node
    if "_target_" not in node:
        return {key: create(f"{path}.{key}", value) for key, value in node.items()}
    made_by = check_signature(path, node)
    given = {key: create(f"{path}.{key}", value) for key, value in arguments(node).items()} | further
    return partial(made_by, **given) if node.get("_partial_") else made_by(**given)

"""Finds the layer in which a network's values stop being finite."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class Diverged(RuntimeError):
    """Raised when a loss is infinite or NaN, so that further training is useless."""


def first_nonfinite(network: nn.Module, forward: Callable[[], object]) -> str | None:
    """Return the name of the first layer, in the order of execution, whose output is not finite; `None` if all are finite.

    Args:
        network: the network whose layers are examined.
        forward: a function that runs the network.

    Example:
        >>> net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.ReLU())
        >>> _ = net[1].weight.data.fill_(float("inf"))
        >>> first_nonfinite(net, lambda: net(torch.ones(1, 2)))
        '1 (Linear, weight is not finite)'
    """
    found: list[str] = []

    def look(name: str, module: nn.Module, output: object) -> None:
        if not found and isinstance(output, Tensor) and not bool(torch.isfinite(output).all()):
            bad = [key for key, value in module.named_parameters() if not bool(torch.isfinite(value).all())]
            why = f", {bad[0]} is not finite" if bad else ""
            found.append(f"{name} ({type(module).__name__}{why})")

    leaves = [(name, module) for name, module in network.named_modules() if not next(module.children(), None)]
    hooks = [m.register_forward_hook(lambda module, _, output, name=name: look(name, module, output)) for name, m in leaves]
    try:
        with torch.no_grad():
            forward()
    finally:
        for hook in hooks:
            hook.remove()
    return found[0] if found else None

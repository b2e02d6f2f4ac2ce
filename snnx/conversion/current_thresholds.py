"""Sets the thresholds of a spiking network to the currents that its neurons receive, layer after layer."""

from collections.abc import Callable, Iterable

import torch
from spikingjelly.activation_based.functional import reset_net
from torch import Tensor, nn

from snnx.neuron.node import Node


@torch.no_grad()
def set_thresholds(
    network: nn.Module, inputs: Callable[[], Iterable[Tensor]], *, percentile: float = 99.7, scaling: float = 1.0
) -> dict[str, float]:
    """Set `v_threshold` of each neuron layer, in the order in which they run, and return the thresholds by the layers' names.

        v_threshold = scaling * max over batches and steps t of the percentile of x[t]

    x[t] are the currents of a layer at one step, of all neurons and samples, while the layers before it spike; these use
    their thresholds without `scaling`. The p-th percentile of n values is the one with the rank
    1 + round(p/100 * (n - 1)).

    Args:
        network: its neurons are `Node`s; it is run in evaluation.
        inputs: each call returns the same batches `[T, B, *]` of the network's input.
        percentile: in (0, 100]; 100 takes the maximum.
        scaling: factor on every threshold, > 0. Below 1, more neurons fire.

    Raises:
        ValueError: the network has a layer of neurons that is no `Node`, or whose currents are never above 0.

    Source: Rathi and Roy, Diet-SNN, 2020, and the authors' code, nitin-rathi/DIET-SNN, `snn.py` (99.7); Rathi et al., Hybrid
        Conversion, 2020, and nitin-rathi/hybrid-snn-conversion, `snn.py` (100).

    Example:
        >>> from snnx.neuron.if_ import IF
        >>> network = nn.Sequential(nn.Linear(1, 2, bias=False), IF())
        >>> _ = network[0].weight.data.copy_(torch.tensor([[1.0], [3.0]]))
        >>> set_thresholds(network, lambda: [torch.ones(4, 5, 1)], percentile=100, scaling=0.5)
        {'1': 1.5}
    """
    require_valid(percentile, scaling, who="set_thresholds")
    names = {module: name for name, module in network.named_modules()}
    training, found = network.training, {}
    network.eval()
    try:
        for node in _in_order(network, inputs):
            found[names[node]] = node.v_threshold = _largest(network, node, inputs, percentile, names[node])
    finally:
        network.train(training)
    for name, value in found.items():
        network.get_submodule(name).v_threshold = found[name] = scaling * value
    return found


def require_valid(percentile: float, scaling: float, *, who: str) -> None:
    """Reject values that are not allowed in `set_thresholds`.

    Raises:
        ValueError: one of them is out of its range; the message begins with `who`.
    """
    if not 0 < percentile <= 100:
        raise ValueError(f"{who}: percentile must be in (0, 100]; got {percentile}")
    if not scaling > 0:
        raise ValueError(f"{who}: scaling must be positive; got {scaling}")


def _in_order(network: nn.Module, inputs: Callable[[], Iterable[Tensor]]) -> list[Node]:
    """Return the neuron layers in the order in which they run."""
    ran: dict[Node, None] = {}
    hooks = [m.register_forward_pre_hook(lambda m, _: ran.setdefault(m)) for m in network.modules() if isinstance(m, Node)]
    _run(network, next(iter(inputs())), hooks)
    return list(ran)


def _largest(network: nn.Module, node: Node, inputs: Callable, percentile: float, name: str) -> float:
    """Return the percentile of a layer's currents at each step, and of these the largest over all steps and batches."""
    largest = 0.0

    def see(node: Node, given: tuple[Tensor]) -> None:
        nonlocal largest
        for x in node.normalised(given[0]).float():
            rank = 1 + round(percentile / 100 * (x.numel() - 1))
            largest = max(largest, x.flatten().kthvalue(rank).values.item())

    for batch in inputs():
        _run(network, batch, [node.register_forward_pre_hook(see)])
    if not largest > 0:
        raise ValueError(
            f"set_thresholds: {name} must receive currents above 0; got none at the {percentile:g} percentile: "
            "raise the percentile, or train the ReLU network for longer"
        )
    return largest


def _run(network: nn.Module, batch: Tensor, hooks: list) -> None:
    """Run the network from rest with these hooks."""
    reset_net(network)
    try:
        network(batch)
    finally:
        for hook in hooks:
            hook.remove()
        reset_net(network)

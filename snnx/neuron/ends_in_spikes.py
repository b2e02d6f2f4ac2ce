"""Finds whether the last layer of a network fires."""

from functools import partial

import torch
from spikingjelly.activation_based.functional import reset_net
from torch import Tensor, nn

from snnx.neuron.spiking import spiking_layers


def ends_in_spikes(network: nn.Module, x: Tensor) -> bool:
    """Return whether no layer with weights comes after the last neurons; a mean over neurons or a pooling may.

    Args:
        network: the network; it is run once on `x`, in evaluation and without gradients, to see the order of its layers.
        x: an input of the network, `[T, B, *]`.

    Example:
        >>> from snnx.neuron.if_ import IF
        >>> network, x = nn.Sequential(nn.Linear(2, 3), IF(), nn.Linear(3, 4), IF()), torch.zeros(5, 1, 2)
        >>> ends_in_spikes(network, x), ends_in_spikes(network[:3], x)
        (True, False)
    """
    order: list[bool] = []  # of each layer that ran, whether it fires
    nodes = spiking_layers(network)
    hooks = [
        module.register_forward_hook(partial(_note, order, name in nodes))
        for name, module in network.named_modules()
        if name in nodes or next(module.parameters(recurse=False), None) is not None
    ]
    modes = {module: module.training for module in network.modules()}
    network.eval()
    reset_net(network)
    try:
        with torch.no_grad():
            network(x)
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes.items():
            module.training = training
        reset_net(network)
    return bool(order) and order[-1]


def _note(order: list[bool], fires: bool, *_: object) -> None:
    order.append(fires)

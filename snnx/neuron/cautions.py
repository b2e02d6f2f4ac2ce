"""Finds neurons that a reader may take for something else, such as neurons that emit no spikes."""

from torch import nn

from snnx.neuron.node import Node
from snnx.neuron.spiking import GRADED


def cautions(network: nn.Module) -> list[str]:
    """Return a line for each class of neurons that emits no spikes, or that is not its model among the layers around it.

    Example:
        >>> from spikingjelly.activation_based.neuron import NonSpikingLIFNode
        >>> cautions(nn.Sequential(nn.Linear(2, 3), NonSpikingLIFNode()))
        ['NonSpikingLIFNode emits no spikes (1, and 0 more), so metrics of spikes do not count it']
    """
    graded: dict[str, list[str]] = {}
    for name, module in network.named_modules():
        if isinstance(module, GRADED):
            graded.setdefault(type(module).__name__, []).append(name)
    found = [
        f"{kind} emits no spikes ({names[0]}, and {len(names) - 1} more), so metrics of spikes do not count it"
        for kind, names in graded.items()
    ]
    of_nodes = {node.caution(network): None for node in network.modules() if isinstance(node, Node)}  # each once, in order
    return found + [text for text in of_nodes if text is not None]

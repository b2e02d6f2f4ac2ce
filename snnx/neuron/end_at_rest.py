"""Lets the neurons of a network return to rest after each sequence of the training."""

from torch import nn

from snnx.neuron.node import Node


def end_at_rest(network: nn.Module) -> None:
    """Let every `Node` of a network be at rest again after each sequence, while the network is in training mode.

    This is for networks that are reset before each batch anyway. Their neurons then neither write their last states, which are
    float32, nor keep them until the next batch. Spikes and gradients are the same. In evaluation mode, states are kept as
    before, and so are those of neurons with an own `complete`.

    Example:
        >>> import torch
        >>> from snnx.neuron.if_ import IF
        >>> network = nn.Sequential(nn.Linear(2, 4), IF())
        >>> end_at_rest(network)
        >>> _ = network(torch.rand(3, 1, 2))
        >>> network[1].v
        0.0
        >>> _ = network.eval()(torch.rand(3, 1, 2))
        >>> network[1].v.shape
        torch.Size([1, 4])
    """
    for module in network.modules():
        if isinstance(module, Node):
            module.ends_at_rest = True

"""Tells whether something watches a network, such as a metric of the training."""

from torch import nn


def watched(network: nn.Module) -> bool:
    """Whether a hook or a probe is on one of the network's modules.

    Example:
        >>> network = nn.Sequential(nn.Linear(2, 2))
        >>> handle = network[0].register_forward_hook(lambda *_: None)
        >>> watched(network)
        True
        >>> handle.remove()
        >>> watched(network)
        False
    """
    return any(
        module._forward_hooks or module._forward_pre_hooks or getattr(module, "probe", None) is not None
        for module in network.modules()
    )

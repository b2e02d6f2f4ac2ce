"""Checks that a network has the spiking attention that some metrics read."""

from torch import nn

from snnx.attention.self_attention import SelfAttention


def require_attention(network: nn.Module, metric: str) -> None:
    """Reject a network without a spiking attention.

    Raises:
        ValueError: no layer of the network is a `SelfAttention`.
    """
    if not any(isinstance(module, SelfAttention) for module in network.modules()):
        raise ValueError(
            f"{metric}: backbone must have spiking attention; got {type(network).__name__}; choose backbone=spikformer"
        )

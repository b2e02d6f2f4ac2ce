"""Whether a network has the attention that some metrics read."""

from torch import nn

from snnx.attention.self_attention import SelfAttention


def require_attention(network: nn.Module, metric: str) -> None:
    """Refuse a network without a layer whose scores can be read.

    Raises:
        ValueError: no layer of it is a `SelfAttention`.
    """
    if not any(isinstance(module, SelfAttention) for module in network.modules()):
        raise ValueError(f"{metric}: backbone must attend by spikes; got {type(network).__name__}: choose backbone=spikformer")

"""Describes in one line the ceilings that a network with clipped activations has learned."""

from torch import nn

from snnx.layer.clipped import Clipped


def ceilings(network: nn.Module, start: float) -> str:
    """Return one line about the learned ceilings of a network; empty if it has none.

    Example:
        >>> ceilings(nn.Sequential(Clipped(ceiling=2.0), Clipped(ceiling=8.0)), start=8.0)
        'ceilings, which were 8 at the start: 0 2, 1 8 (not learned)'
    """
    found = {name: module.ceiling.item() for name, module in network.named_modules() if isinstance(module, Clipped)}
    shown = (f"{name} {now:.3g}{' (not learned)' if now == start else ''}" for name, now in found.items())
    return f"ceilings, which were {start:g} at the start: {', '.join(shown)}" if found else ""

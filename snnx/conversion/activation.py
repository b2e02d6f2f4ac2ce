"""Makes the activations of a network that is trained without spikes and converted later."""

from collections.abc import Callable
from functools import partial

from torch import nn

from snnx.conversion.kernel import TemporalKernel
from snnx.layer.clipped import Clipped


def activation_named(name: str, *, levels: int | None, ceiling: float, duration: int) -> Callable[[], nn.Module]:
    """Return a function that makes one layer of an activation.

    Args:
        name: `relu`, `clipped` or `kernel`.
        levels, ceiling: see `Clipped`; `kernel` starts with the same ceiling.
        duration: see `TemporalKernel`.

    Raises:
        ValueError: there is no such activation.

    Example:
        >>> activation_named("clipped", levels=4, ceiling=2.0, duration=80)()
        Clipped()
    """
    known = {
        "relu": nn.ReLU,
        "clipped": partial(Clipped, levels=levels, ceiling=ceiling),
        "kernel": partial(TemporalKernel, duration=duration, ceiling=ceiling),
    }
    if name not in known:
        raise ValueError(f"Conversion: activation must be one of {', '.join(known)}; got {name}")
    return known[name]

"""An input for which a neuron fires at some places and not at others, on which the contracts of neurons are tested."""

from collections.abc import Callable, Sequence

import torch
from spikingjelly.activation_based.functional import reset_net
from torch import Tensor, nn

STEPS, BATCH = 9, 5

Make = Callable[[], nn.Module]


def firing_input(make: Make, shape: Sequence[int]) -> Tensor:
    """A fixed random input `[T, B, *shape]` for which the neuron fires at some places and not at others.

    It is on torch's default device, where `make` also builds the neuron. With an input that never or always makes it fire, the
    contracts would prove nothing.

    Args:
        make, shape: see `snnx.testing.neuron.spikes`.

    Raises:
        AssertionError: there is no such input, even if it is scaled by 100.
    """
    drawn = torch.randn(STEPS, BATCH, *shape, generator=torch.Generator().manual_seed(0), device="cpu")  # the same everywhere
    x = drawn.to(torch.get_default_device()) * 1.5 + 0.5
    for scale in (1.0, 3.0, 10.0, 30.0, 100.0):
        if 0 < float((from_rest(make(), scale * x) != 0).float().mean()) < 1:
            return scale * x
    raise AssertionError(f"{type(make()).__name__}: must fire for some inputs and not for others; got no input with both")


def from_rest(neuron: nn.Module, x: Tensor) -> Tensor:
    """Reset the neuron and return its spikes, with gradients."""
    reset_net(neuron)
    return neuron(x)

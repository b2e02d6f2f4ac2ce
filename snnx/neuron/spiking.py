"""Tells layers of spiking neurons from other modules, also those of SpikingJelly."""

from spikingjelly.activation_based import neuron
from torch import nn

from snnx.neuron.node import Node
from snnx.norm.norm import Norm

SPIKINGJELLY = neuron.__name__
GRADED = (neuron.NonSpikingBaseNode, neuron.LIAFNode)
"""Neurons of SpikingJelly whose output is a potential or an activation, and no spikes."""


def is_spiking(module: nn.Module) -> bool:
    """Whether a module is a layer of spiking neurons: a `Node`, or a neuron of SpikingJelly that emits spikes.

    SpikingJelly's neurons have several base classes, and some have none, such as `PSN`. So what counts is that the class, or
    one that it inherits from, is defined in SpikingJelly's package of neurons.

    Example:
        >>> from spikingjelly.activation_based.neuron import PSN, LIFNode, NonSpikingLIFNode
        >>> [is_spiking(module) for module in (LIFNode(), PSN(T=4), NonSpikingLIFNode(), nn.ReLU())]
        [True, True, False, False]
    """
    ours = any(f"{kind.__module__}.".startswith(f"{SPIKINGJELLY}.") for kind in type(module).__mro__)
    return ours and not isinstance(module, GRADED)


def spiking_layers(network: nn.Module, prefix: str = "") -> dict[str, nn.Module]:
    """Return the layers of spiking neurons by name, in the order of the network.

    A neuron that SpikingJelly uses inside another module, such as a recurrent neuron, is not a layer.

    Example:
        >>> from spikingjelly.activation_based.neuron import LIFNode
        >>> list(spiking_layers(nn.Sequential(nn.Linear(2, 2), LIFNode())))
        ['1']
    """
    found = {name: module for name, module in network.named_modules(prefix=prefix) if is_spiking(module)}
    inside = {
        id(part) for layer in found.values() if not isinstance(layer, Node) for part in layer.modules() if part is not layer
    }
    return {name: layer for name, layer in found.items() if id(layer) not in inside}


def reads_later_steps(module: nn.Module) -> bool:
    """Whether the output of a step depends on the input of later steps, as in SpikingJelly's parallel neurons.

    Example:
        >>> from spikingjelly.activation_based.neuron import PSN, SlidingPSN
        >>> from snnx.norm.ta import TA
        >>> [reads_later_steps(module) for module in (PSN(T=4), SlidingPSN(k=2), TA(3, timesteps=4))]
        [True, False, True]
    """
    if isinstance(module, Norm):
        return module.reads_later_steps
    return isinstance(module, neuron.PSN) or (isinstance(module, neuron.MaskedPSN) and bool(module.lambda_ < 1))


def fixed_steps(module: nn.Module) -> int | None:
    """Return the number of steps that a norm or a neuron layer computes, if it computes no other.

    Example:
        >>> from spikingjelly.activation_based.neuron import PSN, IFNode
        >>> from snnx.norm.ta import TA
        >>> [fixed_steps(module) for module in (PSN(T=4), TA(3, timesteps=2), IFNode())]
        [4, 2, None]
    """
    if isinstance(module, Norm):
        return module.timesteps
    return module.T if isinstance(module, neuron.PSN | neuron.MaskedPSN) else None


def require_any_steps(network: nn.Module, steps: int, *, why: str, who: str) -> None:
    """Reject a network that cannot compute `steps` steps, because a norm or a neuron layer has parameters for another number.

    Args:
        network: the network.
        steps: the number of steps that is wanted besides its usual one.
        why: the reason, to be read after "since".
        who: the class that needs these steps.

    Raises:
        ValueError: a layer computes another number of steps only.
    """
    for module in network.modules():
        if (fixed := fixed_steps(module)) not in (None, steps):
            group, other = ("norm", "batch") if isinstance(module, Norm) else ("neuron", "lif")
            raise ValueError(
                f"{who}: {group} must take any number of steps, since {why}; "
                f"got {type(module).__name__}, which has parameters for {fixed} steps; choose another, such as {group}={other}"
            )


def path_of(layer: nn.Module) -> str | None:
    """Return the implementation that a layer of spiking neurons ran on; `spikingjelly` for SpikingJelly's own neurons.

    Before a forward pass, it is `None` for a `Node`.
    """
    return layer.path if isinstance(layer, Node) else "spikingjelly"

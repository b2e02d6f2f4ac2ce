"""What every network over time must do in evaluation; the contracts of backbones and attentions are made of these."""

import torch
from spikingjelly.activation_based.functional import reset_net
from torch import Tensor, nn

from snnx.testing.close import close
from snnx.testing.must import must

RESET = "declare what it remembers by register_memory(name, value), or restore it in reset()"
"""What to do if a module does not start from rest after a reset."""


def from_rest(network: nn.Module, x: Tensor) -> Tensor:
    """Reset the network and return its output, without gradients.

    Example:
        >>> from snnx.neuron.lif import LIF
        >>> neuron, x = LIF(), torch.full((2, 1, 1), 1.5)       # h[0] = 0.75, h[1] = 1.125
        >>> [from_rest(neuron, x).flatten().tolist() for _ in range(2)]
        [[0.0, 1.0], [0.0, 1.0]]
    """
    reset_net(network)
    with torch.no_grad():
        return network(x).clone()


def rest(network: nn.Module, x: Tensor) -> None:
    """After a reset, no state of the previous input is left, whatever its size was.

    Args:
        network: the network, in evaluation mode.
        x: input `[T, B, *]` of at least 3 steps and 2 samples.

    Raises:
        AssertionError: the rule is broken; the message says in one line what the network must do.
    """
    first = from_rest(network, x)
    for before in (2 * x, x[:, :1], x[:2]):
        from_rest(network, before)
        must(
            close(from_rest(network, x), first), network, f"give the same output again after a reset; got another one: {RESET}"
        )


def causality(network: nn.Module, x: Tensor) -> None:
    """The input at a time step does not change earlier outputs.

    Args:
        network, x: see `rest`.
    """
    early = len(x) // 2
    later = torch.cat([x[:early], x[early:].flip(0) + 1])
    same = close(from_rest(network, later)[:early], from_rest(network, x)[:early])
    must(same, network, "give the same output for any later input; got another one")


def chunks(network: nn.Module, x: Tensor) -> None:
    """A sequence that is passed in parts without a reset gives the output of the whole sequence.

    Args:
        network, x: see `rest`.
    """
    whole = from_rest(network, x)
    half = len(x) // 2
    reset_net(network)
    with torch.no_grad():
        parts = torch.cat([network(part).clone() for part in (x[:half], x[half : half + 1], x[half + 1 :])])
    must(close(parts, whole), network, "give the output of the whole sequence if it is passed in parts; got another one")


def batch_of_one(network: nn.Module, x: Tensor) -> None:
    """A sample gives the same output alone and in a batch.

    Args:
        network, x: see `rest`.
    """
    whole = from_rest(network, x)
    for sample in range(x.shape[1]):
        same = close(from_rest(network, x[:, sample : sample + 1]), whole[:, sample : sample + 1])
        must(same, network, "give a sample the same output alone and in a batch; got another one")


def order_of_samples(network: nn.Module, x: Tensor) -> None:
    """The output of a sample does not depend on its position in the batch.

    Args:
        network, x: see `rest`.
    """
    same = close(from_rest(network, x.flip(1)), from_rest(network, x).flip(1))
    must(same, network, "not depend on the order of samples in a batch; got another output")

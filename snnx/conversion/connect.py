"""Connects the layers of a network by neurons whose spikes have a value that depends on time."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from snnx.conversion.dendrite import Dendrite, Rhythm
from snnx.conversion.links import Link
from snnx.conversion.potential_readout import PotentialReadout
from snnx.conversion.timed import Timed


@torch.no_grad()
def connect(
    network: nn.Module,
    links: Mapping[str, Link],
    in_shape: tuple[int, int, int],
    rhythms: Mapping[str | None, Rhythm],
    *,
    neuron: type[Timed],
    every: int,
    readout: PotentialReadout,
) -> nn.Module:
    """Replace each activation of `network` by neurons, and let each layer's bias act once per presentation of the image.

    The layers lose their biases; neurons and read-out receive them from their dendrites.

    Args:
        network: the network with its batch norms folded and its weights scaled; it is changed in place and returned.
        links: from `links`; all layers that feed an activation must read spikes of the same rhythm.
        in_shape: `(C, H, W)`.
        rhythms: rhythm of each activation by its name; the key `None` is the input.
        neuron: class of the neurons.
        every: number of steps of a presentation.
        readout: the decoding, whose dendrite gets the rhythm of the last layer and the bias of the outputs.

    Example: see `tests/conversion/test_code_networks.py`.
    """
    names = [name for name in rhythms if name is not None]
    biases = take_biases(network, links, names, in_shape)
    read = {link.sink: rhythms[link.source] for link in links.values()}
    for name in names:
        network.set_submodule(name, neuron(rhythms[name], Dendrite(read[name], every=every, bias=biases[name])))
    readout.dendrite.rhythm, readout.dendrite.bias = read[None], biases[None]
    return network


@torch.no_grad()
def take_biases(
    network: nn.Module, links: Mapping[str, Link], activations: list[str], in_shape: tuple[int, int, int]
) -> dict[str | None, Tensor]:
    """Remove all biases, and return what they contributed to the input of each activation; the key `None` is the output.

    This is the input of the activation when every layer reads zeros. It has the shape of a sample, so it is also correct if
    averages, sums or products with a constant lie between the layer and the activation.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU())
        >>> _ = nn.init.constant_(net[0].bias, 3.0)
        >>> net[0].forward = lambda x, conv=net[0].forward: conv(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        >>> found = take_biases(net, {"0": Link(None, "1")}, ["1"], (1, 2, 2))
        >>> found["1"].flatten(1).tolist(), net[0].bias
        ([[3.0, 3.0, 3.0, 3.0], [3.0, 3.0, 3.0, 3.0]], None)
    """
    found: dict[str | None, Tensor] = {}

    def see(name: str, given: Tensor) -> Tensor:
        found[name] = given[0, 0].clone()
        return torch.zeros_like(given)

    hooks = [
        network.get_submodule(name).register_forward_hook(lambda _, given, y, name=name: see(name, given[0]))
        for name in activations
    ]
    parameter = next(network.parameters())
    found[None] = network(torch.zeros(1, 1, *in_shape, dtype=parameter.dtype, device=parameter.device))[0, 0].clone()
    for hook in hooks:
        hook.remove()
    for name in links:
        layer = network.get_submodule(name)
        if getattr(layer, "bias", None) is not None:
            layer.bias = None
    return found

"""The layers of a network in the order in which they run, if they are one chain."""

from typing import NamedTuple

import torch
from spikingjelly.activation_based import functional
from spikingjelly.activation_based.base import MemoryModule
from torch import Tensor, nn

from snnx.conversion.fold_norm import fold_norm


class ChainLink(NamedTuple):
    """A layer of a chain, with what it reads and makes of one sample and step, without those two dimensions."""

    name: str
    module: nn.Module
    reads: tuple[int, ...]
    makes: tuple[int, ...]


@torch.no_grad()
def chain(network: nn.Module, in_shape: tuple[int, int, int]) -> list[ChainLink]:
    """The chain of a copy of `network` for inference, with its batch norms folded into the layers before them.

    One image is passed through. Each layer must read the very memory that the layer before it wrote, in whatever shape: a sum,
    a product or a transposition between layers would have written a tensor of its own. What is written in place is not seen
    here, and changes spikes or scores in the round trip.

    Args:
        network: takes `[T, B, C, H, W]`.
        in_shape: `(C, H, W)`.

    Raises:
        ValueError: something is computed between two layers, a layer is passed by or used twice, or a batch norm cannot be
            folded.

    Example:
        >>> from snnx.backbone.convnet import ConvNet
        >>> from snnx.neuron.if_ import IF
        >>> net = ConvNet(neuron=IF, in_shape=(1, 8, 8), classes=2, channels=[4])
        >>> [(link.name, link.makes) for link in chain(net, (1, 8, 8))]
        [('stages.conv1.0', (4, 8, 8)), ('stages.sn1', (4, 8, 8)), ('stages.pool1.0', (4, 4, 4)), ('out', (2,))]
    """
    functional.reset_net(network)
    folded = fold_norm(network, in_shape, who="export")
    for module in folded.modules():
        if isinstance(module, MemoryModule):  # it has seen an image while being folded
            module.reset()
    ran: list[tuple[nn.Module, Tensor, Tensor]] = []
    names = {module: name for name, module in folded.named_modules() if _is_layer(module)}
    hooks = [m.register_forward_hook(lambda m, given, made: ran.append((m, given[0], made))) for m in names]
    parameter = next(folded.parameters())
    image = torch.zeros(1, 1, *in_shape, dtype=parameter.dtype, device=parameter.device)
    out = folded(image)
    for hook in hooks:
        hook.remove()
    before, found = image, []
    for module, read, made in ran:
        if _elsewhere(before, read):
            raise ValueError(
                f"{names[module]} must read what the layer before it makes; got something that is computed between the two, as "
                "a shortcut, an attention or a mean is"
            )
        if any(link.module is module for link in found):
            raise ValueError(f"{names[module]} must be used once; got it twice")
        if not isinstance(module, nn.Identity | nn.Dropout | nn.Flatten):  # which compute nothing in a test
            found.append(ChainLink(names[module], module, _sample(read), _sample(made)))
        before = made
    if _elsewhere(before, out):
        raise ValueError(
            f"the read-out must be what the last layer makes; got something that is computed after {names[module]}"
        )
    for module in folded.modules():
        if isinstance(module, MemoryModule):
            module.reset()
    return found


def _is_layer(module: nn.Module) -> bool:
    return isinstance(module, MemoryModule) or not any(module.children())


def _elsewhere(made: Tensor, read: Tensor) -> bool:
    same = made.data_ptr() == read.data_ptr() and made.numel() == read.numel()
    return not (same and made.is_contiguous() and read.is_contiguous())


def _sample(x: Tensor) -> tuple[int, ...]:
    """The shape of one sample and step: layers that memorise nothing get time and batch as one dimension."""
    return tuple(x.shape[2:] if x.shape[:2] == (1, 1) and x.ndim in (3, 5) else x.shape[1:])

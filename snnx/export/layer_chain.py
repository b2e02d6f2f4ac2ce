"""The layers of a network in the order in which they run, if they form a single chain."""

from typing import NamedTuple

import torch
from spikingjelly.activation_based import functional
from spikingjelly.activation_based.base import MemoryModule
from torch import Tensor, nn

from snnx.conversion.fold_norm import fold_norm


class ChainLink(NamedTuple):
    """A layer of a chain, with the shapes of its input and output for one sample and one time step."""

    name: str
    module: nn.Module
    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]


@torch.no_grad()
def layer_chain(network: nn.Module, in_shape: tuple[int, int, int]) -> list[ChainLink]:
    """List the layers of a copy of `network`, with its batch norms folded into the layers before them.

    One image is passed through the network. Each layer must read the memory that the layer before it wrote, possibly in
    another shape; a sum, a product or a transposition between two layers would have written a new tensor. An operation in
    place is not noticed here, but it changes spikes or scores, which `export_nir` compares.

    Args:
        network: takes `[T, B, C, H, W]`; it is not changed.
        in_shape: `(C, H, W)`.

    Raises:
        ValueError: something is computed between two layers, a layer is skipped or used twice, or a batch norm cannot be
            folded.

    Example:
        >>> from snnx.backbone.convnet import ConvNet
        >>> from snnx.neuron.if_ import IF
        >>> net = ConvNet(neuron=IF, in_shape=(1, 8, 8), classes=2, channels=[4])
        >>> [(link.name, link.out_shape) for link in layer_chain(net, (1, 8, 8))]
        [('stages.conv1.0', (4, 8, 8)), ('stages.sn1', (4, 8, 8)), ('stages.pool1.0', (4, 4, 4)), ('out', (2,))]
    """
    functional.reset_net(network)
    folded = fold_norm(network, in_shape, who="export")
    for module in folded.modules():
        if isinstance(module, MemoryModule):  # folding has passed an image through it
            module.reset()
    ran: list[tuple[nn.Module, Tensor, Tensor]] = []
    names = {module: name for name, module in folded.named_modules() if _is_layer(module)}
    hooks = [m.register_forward_hook(lambda m, inputs, output: ran.append((m, inputs[0], output))) for m in names]
    parameter = next(folded.parameters())
    image = torch.zeros(1, 1, *in_shape, dtype=parameter.dtype, device=parameter.device)
    out = folded(image)
    for hook in hooks:
        hook.remove()
    before, found = image, []
    for module, x, y in ran:
        if not _same_memory(before, x):
            raise ValueError(
                f"{names[module]} must read the output of the layer before it; got something that is computed between the two, "
                "such as a shortcut, an attention or a mean"
            )
        if any(link.module is module for link in found):
            raise ValueError(f"{names[module]} must be used once; got it twice")
        if not isinstance(module, nn.Identity | nn.Dropout | nn.Flatten):  # these compute nothing in evaluation
            found.append(ChainLink(names[module], module, _sample_shape(x), _sample_shape(y)))
        before = y
    if not _same_memory(before, out):
        raise ValueError(
            f"the scores must be the output of the last layer; got something that is computed after {names[module]}"
        )
    for module in folded.modules():
        if isinstance(module, MemoryModule):
            module.reset()
    return found


def _is_layer(module: nn.Module) -> bool:
    return isinstance(module, MemoryModule) or not any(module.children())


def _same_memory(written: Tensor, read: Tensor) -> bool:
    same = written.data_ptr() == read.data_ptr() and written.numel() == read.numel()
    return same and written.is_contiguous() and read.is_contiguous()


def _sample_shape(x: Tensor) -> tuple[int, ...]:
    """The shape of one sample at one step; stateless layers get time and batch merged into one dimension."""
    return tuple(x.shape[2:] if x.shape[:2] == (1, 1) and x.ndim in (3, 5) else x.shape[1:])

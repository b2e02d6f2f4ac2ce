"""Computes the inside of a network's blocks again in the backward pass, instead of keeping it in memory."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import torch
from spikingjelly.activation_based.base import MemoryModule
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from snnx.neuron.packed_spikes import no_packing, packed_input
from snnx.neuron.spiking import is_spiking


def recompute_blocks(network: nn.Module) -> int:
    """Let each block of a network keep only its input for the backward pass, and compute its inside again there.

    A sequence of modules consists of blocks that end with a neuron layer, such as convolution, norm and neurons in a VGG. Any
    other module with neurons and weights directly inside, such as a residual block, is one block. All time steps of a block
    are computed together, since batch norm takes its statistics over them. The second computation begins with the states,
    random numbers and autocast of the first, and leaves states and running statistics as they are, so spikes and gradients
    stay the same. It costs one more forward pass of each block. Together with `pack_spikes`, the input takes one bit a value.

    Args:
        network: a backbone; nothing changes where no gradients are computed.

    Returns:
        The number of blocks.

    Raises:
        ValueError: the network has no block.

    Source: Chen et al., *Training Deep Nets with Sublinear Memory Cost*, 2016; as SpikingJelly's `memopt` of level 1.

    Example:
        >>> from snnx.neuron.if_ import IF
        >>> network = nn.Sequential(nn.Linear(2, 4), IF(), nn.Linear(4, 3), IF(), nn.Linear(3, 2))
        >>> recompute_blocks(network)
        2
        >>> network(torch.rand(3, 1, 2)).sum().backward()
    """
    count, within = 0, set()
    for module in network.modules():
        if module in within or not any(map(is_spiking, module.children())):
            continue
        if isinstance(module, nn.Sequential):
            module.forward = partial(_in_sequence, module)
            count += sum(map(_is_block, _pieces(module)))
        elif module is not network and _is_block(list(module.children())):
            module.forward = partial(_as_one, module)
            within |= set(module.modules())
            count += 1
    if not count:
        raise ValueError(
            f"recompute needs a backbone whose neurons and weights are in blocks; got {type(network).__name__}, which has "
            "none: leave recompute=false"
        )
    return count


def _pieces(sequence: nn.Sequential) -> Iterator[list[nn.Module]]:
    """Cut a sequence behind each neuron layer; a part that has neurons inside is a piece by itself."""
    piece: list[nn.Module] = []
    for part in sequence:
        inside = not is_spiking(part) and any(map(is_spiking, part.modules()))
        if inside and piece:
            yield piece
            piece = []
        piece.append(part)
        if inside or is_spiking(part):
            yield piece
            piece = []
    if piece:
        yield piece


def _is_block(parts: list[nn.Module]) -> bool:
    """Whether both neurons and weights are among these parts."""
    return any(map(is_spiking, parts)) and any(True for part in parts if not is_spiking(part) for _ in part.parameters())


def _in_sequence(sequence: nn.Sequential, x: Tensor) -> Tensor:
    for piece in _pieces(sequence):
        run = partial(_run, piece)
        x = computed_again(piece, run, x) if _is_block(piece) else run(x)
    return x


def _run(parts: list[nn.Module], x: Tensor) -> Tensor:
    for part in parts:
        x = part(x)
    return x


def _as_one(block: nn.Module, *given: Tensor) -> Tensor:
    return computed_again([block], partial(type(block).forward, block), *given)


def computed_again(parts: list[nn.Module], forward: Callable[..., Tensor], *given: Tensor) -> Tensor:
    """Compute `forward(*given)`, keep only what is given for backward, and compute it again there.

    Args:
        parts: the modules that `forward` consists of; their states and buffers are as if they had been computed once.
    """
    if not torch.is_grad_enabled():
        return forward(*given)
    modules = [module for part in parts for module in part.modules()]
    states = [(layer, dict(layer._memories)) for layer in modules if isinstance(layer, MemoryModule)]
    buffers = [buffer for part in parts for buffer in part.buffers()]
    with packed_input(given[0]):
        return checkpoint(forward, *given, use_reentrant=False, context_fn=lambda: (no_packing(), _Again(states, buffers)))


class _Again:
    """A context for the second computation: it begins with given states, and leaves states and buffers as they were before it.

    Autograd enters it once for each backward pass, so it can be entered more than once.
    """

    def __init__(self, states: list[tuple[MemoryModule, dict]], buffers: list[Tensor]) -> None:
        self.states, self.buffers = states, buffers
        self.ends: list[ExitStack] = []

    def __enter__(self) -> None:
        end = ExitStack()
        end.enter_context(no_packing())
        for layer, first in self.states:
            end.callback(layer._memories.update, dict(layer._memories))
            layer._memories.update(first)
        for buffer in self.buffers:
            end.callback(_put_back, buffer, buffer.clone())
        self.ends.append(end)

    def __exit__(self, *error: object) -> None:
        self.ends.pop().close()


def _put_back(buffer: Tensor, value: Tensor) -> None:
    with torch.no_grad():
        buffer.copy_(value)

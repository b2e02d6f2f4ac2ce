"""Keeps spikes for the backward pass as one bit each."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from math import prod

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.modules.pooling import _MaxPoolNd

from snnx.neuron.kernel.layout import dense
from snnx.neuron.node import Node
from snnx.neuron.spiking import spiking_layers

_packing: ContextVar[bool] = ContextVar("packing", default=True)
MARK = "holds_spikes"
"""Attribute of a tensor whose values are 0 and 1 only; it stays with the tensor while one of its views is in use."""


def pack_spikes(network: nn.Module) -> None:
    """Let the layers of a network keep their input for the backward pass as one bit a value, where it is spikes.

    In training, autograd keeps the input of each convolution, linear layer and pooling until the backward pass. Spikes of
    float32 take 32 bits there, although each is 0 or 1. Packing is exact, so gradients are the same to the last bit; it costs
    one pass over the spikes forward and one backward. A neuron layer that computes the sum of a residual block keeps the
    shortcut in the same way. Layers that read anything else, such as averages of spikes, keep it as before.

    Args:
        network: a backbone; layers that emit spikes with other values, such as I-LIF's, are left as they are.

    Example:
        >>> from snnx.neuron.if_ import IF
        >>> network = nn.Sequential(nn.Linear(2, 4), IF(), nn.Linear(4, 2))
        >>> pack_spikes(network)
        >>> network(torch.rand(3, 1, 2)).sum().backward()
    """
    layers = spiking_layers(network)
    for layer in layers.values():
        if isinstance(layer, Node) and getattr(layer, "most_units", 1) == 1:
            layer.register_forward_hook(_mark)
    for module in network.modules():
        spiking = any(module is layer for layer in layers.values())
        if isinstance(module, Node) if spiking else not any(module.children()):
            keeper = _Keeper()
            module.register_forward_pre_hook(keeper.begin)
            module.register_forward_hook(keeper.end, always_call=True)


def packed_input(x: object) -> saved_tensors_hooks | nullcontext:
    """Return a context within which autograd keeps `x` as bits, if `pack_spikes` has marked it as spikes."""
    if not isinstance(x, Tensor) or not getattr(x if x._base is None else x._base, MARK, False):
        return nullcontext()
    given_as = _facts(x)  # not `x` itself, which autograd would keep with the hook

    def pack(kept: Tensor) -> Tensor | Packed:
        return Packed(kept) if _facts(kept) == given_as and dense(kept[None]) else kept

    return saved_tensors_hooks(pack, lambda kept: kept.unpacked() if isinstance(kept, Packed) else kept)


@contextmanager
def no_packing() -> Iterator[None]:
    """Let layers keep their input as it is within this context, for code that decides itself what is kept."""
    before = _packing.set(False)
    try:
        yield
    finally:
        _packing.reset(before)


def _mark(layer: nn.Module, given: tuple, spikes: object) -> None:
    if isinstance(spikes, Tensor) and torch.is_grad_enabled():
        setattr(spikes, MARK, True)


class _Keeper:
    """Around the forward of one layer: packs what autograd keeps of it, if it is the input or shortcut and holds spikes."""

    def __init__(self) -> None:
        self.active: saved_tensors_hooks | None = None

    def begin(self, module: nn.Module, given: tuple) -> None:
        if not given or not _packing.get() or not torch.is_grad_enabled():
            return
        if isinstance(context := packed_input(_read(module, given[0])), saved_tensors_hooks):
            self.active = context
            self.active.__enter__()

    def end(self, module: nn.Module, given: tuple, output: object) -> None:
        if self.active is None:
            return
        self.active.__exit__(None, None, None)
        self.active = None
        if isinstance(module, _MaxPoolNd) and isinstance(output, Tensor):
            setattr(output if output._base is None else output._base, MARK, True)


def _read(module: nn.Module, x: object) -> object:
    """Return what a layer may keep: its input, or for a neuron layer the shortcut that it adds; `None` if it adds none."""
    if not isinstance(module, Node):
        return x
    return module.norm.residual.waiting if module.norm is not None and module.norm.residual is not None else None


def _facts(tensor: Tensor) -> tuple[int, int, torch.dtype]:
    return tensor.data_ptr(), tensor.numel(), tensor.dtype


class Packed:
    """A tensor of 0 and 1 as one bit a value.

    Args:
        spikes: the tensor; its values may lie in memory in any order, but without gaps.

    Example:
        >>> spikes = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
        >>> packed = Packed(spikes)
        >>> packed.bits.tolist(), torch.equal(packed.unpacked(), spikes)            # 101001 and two zeros
        ([164], True)
    """

    def __init__(self, spikes: Tensor) -> None:
        self.shape, self.stride, self.dtype = spikes.shape, spikes.stride(), spikes.dtype
        flat = spikes.detach().as_strided((spikes.numel(),), (1,)) != 0
        if flat.device.type == "cpu":
            self.bits = torch.from_numpy(np.packbits(flat.numpy()))
        else:
            padded = nn.functional.pad(flat.to(torch.uint8), (0, -len(flat) % 8)).view(-1, 8)
            self.bits = (padded << _places(flat.device)).sum(1, dtype=torch.uint8)

    def unpacked(self) -> Tensor:
        """Return the tensor as it was."""
        number = prod(self.shape)
        if self.bits.device.type == "cpu":
            flat = torch.from_numpy(np.unpackbits(self.bits.numpy(), count=number))
        else:
            flat = ((self.bits[:, None] >> _places(self.bits.device)) & 1).flatten()[:number]
        return flat.to(self.dtype).as_strided(self.shape, self.stride)


def _places(device: torch.device) -> Tensor:
    return torch.arange(7, -1, -1, dtype=torch.uint8, device=device)

"""Counts the bytes that a layer reads from memory and writes to it, forward and backward."""

from collections.abc import Callable, Sequence
from math import prod

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from snnx.layer.tensors_in import tensors_in
from snnx.neuron.kernel.cuda.triton_backend import kept_of
from snnx.neuron.node import Node

PASSES = 5
"""How often a layer that keeps only its input must read or write each value: two of forward, three of backward."""
SMALL = (1, 4, 4, 4)
"""`[B, C, H, W]` of the input on which operations are counted."""
EMPTY = {"empty", "empty_like", "empty_strided", "new_empty"}


def least(shape: Sequence[int], size: int) -> int:
    """Return the bytes that any layer moves whose backward needs its input.

    Forward reads the input and writes the output; backward reads the input and a gradient, and writes a gradient.

    Args:
        shape: `[T, B, *]` of the input.
        size: bytes of a value.
    """
    return PASSES * size * prod(shape)


def by_kernel(node: Node, shape: Sequence[int], size: int) -> int:
    """Return the bytes that the Triton kernels of a neuron move in training, from rest to rest.

    Besides what every layer moves, forward writes the states before every eighth step, and backward reads them. States are
    float32.
    """
    kept = kept_of(torch.empty(tuple(shape), device="meta")).numel()
    return least(shape, size) + 4 * len(node.State._fields) * 2 * kept


def by_operations(layer: Callable[[Tensor], Tensor], shape: Sequence[int], dtype: torch.dtype) -> int:
    """Return the bytes that the operations of torch move: each reads its operands and writes its result.

    They are counted on a CPU, on an input with as many steps and fewer neurons.

    Example:
        >>> by_operations(torch.relu, (4, 32, 64, 8, 8), torch.float32) == least((4, 32, 64, 8, 8), 4)
        True
    """
    x = torch.randn(shape[0], *SMALL).to(dtype).requires_grad_()
    gradient = torch.randn(x.shape).to(dtype)
    with _Counter() as counter:
        out = layer(x)
        torch.autograd.grad(out, x, gradient.to(out.dtype))
    return round(counter.bytes * prod(shape) / x.numel())


class _Counter(TorchDispatchMode):
    """Adds up the bytes of all operands and results, without those of views and of single numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, target, types, arguments=(), keywords=None):
        result = target(*arguments, **keywords or {})
        is_view = any(one.alias_info is not None and not one.alias_info.is_write for one in target._schema.returns)
        if not is_view and target._schema.name.partition("::")[2] not in EMPTY:
            values = tensors_in(arguments, keywords, result)
            self.bytes += sum(_in_memory(value) for value in values if value.dim())
        return result


def _in_memory(x: Tensor) -> int:
    """Return the bytes of a tensor; an expanded one is read once."""
    return x.element_size() * prod(size for size, stride in zip(x.shape, x.stride(), strict=True) if stride)

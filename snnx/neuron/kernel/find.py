"""Chooses how a layer computes a sequence: by a fused kernel if there is one that equals the definition, else step by step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from snnx.neuron.kernel import cpu, cuda
from snnx.neuron.node import Node

Sequence = Callable[..., tuple[Tensor | None, ...]]


class Fused(NamedTuple):
    """A fused kernel: `run(x, *states)` returns `h` (or `None` if the neuron is not probed), `s` and the last states."""

    path: str
    run: Sequence


only_definition: ContextVar[bool] = ContextVar("only_definition", default=False)


@contextmanager
def definition_only() -> Iterator[None]:
    """Within this context, every neuron runs step by step on its definition, without kernels.

    Example:
        >>> from snnx.neuron.if_ import IF
        >>> neuron, x = IF(), torch.ones(2, 1)
        >>> with definition_only():
        ...     _ = neuron(x)
        >>> neuron.path
        'definition'
    """
    token = only_definition.set(True)
    try:
        yield
    finally:
        only_definition.reset(token)


def find(node: Node, x: Tensor, v: Tensor) -> Fused | None:
    """Return the fused kernel for `node` with input `x` and potential `v`, or `None` if the definition must be used.

    Example:
        >>> from snnx.neuron.lif import LIF
        >>> class Doubled(LIF):
        ...     def charge(self, x, v):
        ...         return super().charge(2 * x, v)
        >>> x, v = torch.zeros(4, 3), torch.zeros(3)
        >>> find(LIF(), x, v).path, find(Doubled(), x, v)
        ('numba', None)
    """
    if only_definition.get() or not len(x) or v.dtype != torch.float32 or watched_by_torch(x):
        return None
    if x.device.type == "cpu":
        run = cpu.sequence(node, x)
        return None if run is None else Fused("numba", run)
    if x.device.type == "cuda":
        run = cuda.sequence(node)
        return None if run is None else Fused("spikingjelly", run)
    return None


def watched_by_torch(x: Tensor) -> bool:
    """Whether torch is tracing, transforming or counting operations, so that it must see the definition's operations."""
    return (
        type(x) not in (Tensor, nn.Parameter)
        or torch.compiler.is_compiling()
        or torch.jit.is_tracing()
        or torch._C._are_functorch_transforms_active()
        or torch._C._len_torch_dispatch_stack() > 0
        or forward_ad._current_level >= 0
    )

"""Chooses how a layer computes a sequence: by a fused kernel made of its definition, or step by step."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from snnx.neuron.kernel.cuda.compile_failure import compile_failure
from snnx.neuron.kernel.cuda.triton_backend import TritonBackend
from snnx.neuron.kernel.cuda.works import trouble
from snnx.neuron.kernel.facts import facts
from snnx.neuron.kernel.layer import Layer
from snnx.neuron.kernel.memory import MOST
from snnx.neuron.kernel.numba_backend import NumbaBackend
from snnx.neuron.kernel.operation_recorder import Untraceable
from snnx.neuron.kernel.trace import trace

BACKENDS = {"cpu": NumbaBackend, "cuda": TritonBackend}
"""What makes kernels for each type of device."""
LAYERS: dict[tuple[Hashable, ...], Layer | str] = {}
"""The traced layers, or the reasons why they have no kernel, by what they depend on."""
MOST_LAYERS = 1000


class Fused(NamedTuple):
    """A fused kernel."""

    path: str
    run: Callable[..., tuple[Tensor | None, ...]]
    """`run(x, *states)` returns `h` and the thresholds (or `None` if the neuron is not probed), `s` and the last states."""
    compares: bool
    """Whether the threshold is known."""


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


def find(node: nn.Module, x: Tensor, v: Tensor) -> Fused | str:
    """Return the fused kernel for `node` with input `x` and potential `v`, or the reason why the definition must be used.

    Example:
        >>> from snnx.neuron.lif import LIF
        >>> class Noisy(LIF):
        ...     def charge(self, x, v):
        ...         return super().charge(x + torch.rand_like(x), v)
        >>> x, v = torch.zeros(4, 3), torch.zeros(3)
        >>> find(LIF(), x, v).path, find(Noisy(), x, v)
        ('numba', 'it draws random numbers (rand_like)')
    """
    if only_definition.get():
        return "definition_only() is active"
    if not len(x):
        return "the sequence has no steps"
    if v.dtype != torch.float32:
        return f"the state is {str(v.dtype).removeprefix('torch.')}, and kernels compute in float32"
    if watched_by_torch(x):
        return "torch traces, transforms or counts operations"
    layer = layer_of(node, x.device, x.dim() - 1, x.dtype)
    if isinstance(layer, str):
        return layer
    return Fused(layer.backend.name, layer.runner(node), layer.trace.compares)


def layer_of(node: nn.Module, device: torch.device, dimensions: int, dtype: torch.dtype) -> Layer | str:
    """Return the traced layer with the kernel of a neuron, or why there is none.

    Args:
        node: the neuron.
        device: where it computes.
        dimensions: the number of dimensions of a step.
        dtype: of the input.
    """
    if device.type not in BACKENDS:
        return f"there is no kernel for {device.type}"
    if device.type == "cuda" and (reason := trouble(device)):
        return reason
    tried = ()  # numba's kernels are the same for each type of input, and need no trial
    if BACKENDS[device.type] is TritonBackend:
        tried = (dtype, node.norm is not None, node.norm is not None and node.norm.residual is not None)
    key = (device.type, dimensions, *tried, *facts(node))
    layer = LAYERS.get(key)
    return prepare(node, device, dimensions, tried, key) if layer is None else layer


def prepare(
    node: nn.Module, device: torch.device, dimensions: int, tried: tuple[torch.dtype, bool, bool] | tuple[()], key: tuple
) -> Layer | str:
    """Trace a neuron and make its kernel, which is tried on a GPU, or say why it has none; the answer is kept."""
    if len(LAYERS) >= MOST_LAYERS:
        LAYERS.clear()
    try:
        found = trace(node, dimensions)
        if max(len(found.states), len(found.parameters)) > MOST:
            raise Untraceable(f"it has more than {MOST} states or parameters")
        if facts(node) != key[2 + len(tried) :]:
            raise Untraceable("its step changes an attribute of the neuron, which no reset restores: keep it in State")
        answer = Layer(BACKENDS[device.type](found))
        if tried:
            answer = compile_failure(answer.backend, node, device, *tried) or answer
    except Untraceable as reason:
        answer = str(reason)
    LAYERS[key] = answer
    return answer


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

"""Chooses how a layer computes a sequence: by a fused kernel made of its definition, or step by step."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from snnx.neuron.kernel.cuda.compile_failure import compile_failure
from snnx.neuron.kernel.cuda.layer import Layer as CudaLayer
from snnx.neuron.kernel.cuda.render import Kernel as CudaKernel
from snnx.neuron.kernel.cuda.works import trouble
from snnx.neuron.kernel.facts import facts
from snnx.neuron.kernel.layer import Layer
from snnx.neuron.kernel.memory import MOST
from snnx.neuron.kernel.operation_recorder import Untraceable
from snnx.neuron.kernel.render import Kernel
from snnx.neuron.kernel.trace import trace

DEVICES = {"cpu": Layer, "cuda": CudaLayer}
"""What makes kernels for each type of device."""
LAYERS: dict[tuple[Hashable, ...], Layer | CudaLayer | str] = {}
"""The traced layers, or the reasons why they have no kernel, by what they depend on."""
MOST_LAYERS = 1000


class Fused(NamedTuple):
    """A fused kernel."""

    path: str
    run: Callable[..., tuple[Tensor | None, ...]]
    """`run(x, *states)` returns `h` and the thresholds (or `None` if the neuron is not probed), `s` and the last states."""
    compares: bool
    """Whether the threshold is known."""
    kernel: Kernel | CudaKernel


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
    layer = layer_of(node, x.device, x.dim() - 1)
    if isinstance(layer, str):
        return layer
    return Fused(layer.path, layer.runner(node), layer.trace.compares, layer.kernel)


def layer_of(node: nn.Module, device: torch.device, dimensions: int) -> Layer | CudaLayer | str:
    """Return the traced layer with the kernel of a neuron for steps of this number of dimensions, or why there is none."""
    if device.type not in DEVICES:
        return f"there is no kernel for {device.type}"
    if device.type == "cuda" and (reason := trouble(device)):
        return reason
    key = (device.type, dimensions, *facts(node))
    layer = LAYERS.get(key)
    return prepare(node, device, dimensions, key) if layer is None else layer


def prepare(node: nn.Module, device: torch.device, dimensions: int, key: tuple[Hashable, ...]) -> Layer | CudaLayer | str:
    """Trace a neuron, write its kernel and on a GPU try it, or say why it has none, and keep the answer."""
    if len(LAYERS) >= MOST_LAYERS:
        LAYERS.clear()
    try:
        found = trace(node, dimensions)
        if max(len(found.states), len(found.parameters)) > MOST:
            raise Untraceable(f"it has more than {MOST} states or parameters")
        if (device.type, dimensions, *facts(node)) != key:
            raise Untraceable("its step changes an attribute of the neuron, which no reset restores: keep it in State")
        answer = DEVICES[device.type](found)
        if isinstance(answer, CudaLayer):
            answer = compile_failure(answer, node, device) or answer
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

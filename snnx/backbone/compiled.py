"""Compiles the training steps of a network with `torch.compile`."""

from collections.abc import Callable
from importlib import import_module
from types import FunctionType

import torch
from spikingjelly.activation_based.base import MemoryModule
from torch import Tensor, nn

from snnx.backbone.watched import watched
from snnx.neuron.take_norms import release_norms

INDUCTOR = "inductor"


def compile_training(network: nn.Module, mode: str = "default", *, backend: str | Callable = INDUCTOR) -> None:
    """Let `torch.compile` compile the forward and backward pass of a network, for training.

    A neuron layer with a fused kernel is one operation of the compiled network. A neuron without one is compiled from its
    definition, step by step, which takes minutes for many steps. A norm in front of a neuron layer, which the neuron's kernel
    may have computed, is computed by torch again, which fuses it with its neighbours. A new input shape is compiled when it
    first occurs.

    The network runs uncompiled outside training, without gradients, and while a hook or a probe watches one of its modules.
    After a compiled step its neurons are at rest.

    Args:
        network: a backbone; its parameters keep their names.
        mode: mode of `torch.compile`: `default`, or `reduce-overhead`, which repeats the recorded launches of a GPU.
        backend: backend of `torch.compile`.

    Raises:
        RuntimeError: at the first step, if there is no C++ compiler, which Inductor needs on a CPU.

    Example:
        >>> from snnx.neuron.if_ import IF
        >>> network = nn.Sequential(nn.Linear(2, 4), IF(), nn.Linear(4, 2))
        >>> compile_training(network, backend="aot_eager")
        >>> network(torch.rand(3, 1, 2)).sum().backward()
    """
    import_module("snnx.neuron.kernel.registered")  # torch.compile cannot import it; and numba is slow to import
    release_norms(network)

    def run(*given: Tensor) -> Tensor:
        out = network._call_impl(*given)
        for layer in network.modules():  # otherwise the last states would be further outputs of the compiled function
            if isinstance(layer, MemoryModule):
                layer._memories.update(layer._memories_rv)
        return out

    own = FunctionType(run.__code__.replace(), run.__globals__, closure=run.__closure__)  # torch compiles a code only 8 times
    compiled = torch.compile(own, dynamic=False, backend=backend, mode=mode if backend == INDUCTOR else None)

    def forward(*given: Tensor) -> Tensor:
        if not network.training or not torch.is_grad_enabled() or watched(network):
            return network._call_impl(*given)
        if backend == INDUCTOR and given[0].device.type == "cpu":
            _require_compiler()
        return compiled(*given)

    network._compiled_call_impl = forward


def without_compiler() -> str | None:
    """Say why torch cannot compile for a CPU on this machine; `None` if it finds a C++ compiler."""
    from torch._inductor.cpp_builder import get_cpp_compiler  # here, since it is slow to import
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except InvalidCxxCompiler as error:
        return " ".join(str(error).split())
    return None


def _require_compiler() -> None:
    if reason := without_compiler():
        raise RuntimeError(
            "compile must be null on a machine without a C++ compiler, which torch needs to compile for a CPU; got "
            f"{reason}; install g++ or clang++, or set the environment variable CXX"
        )

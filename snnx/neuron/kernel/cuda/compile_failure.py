"""Finds out whether the kernels of one neuron compile, before a network computes with them."""

import warnings
from operator import attrgetter

import torch
from torch import nn

from snnx.neuron.kernel.backend import Backend, Inputs
from snnx.neuron.kernel.norm_in_front import Affine


def compile_failure(
    backend: Backend, node: nn.Module, device: torch.device, dtype: torch.dtype, normed: bool, added: bool
) -> str | None:
    """Return `None` if both kernels compute one step of one neuron; otherwise warn, and return the reason.

    Triton compiles them again for another number of steps; that is not tried here.

    Args:
        backend: has the kernels.
        node: the neuron, whose parameters the kernels read.
        device: where it computes.
        dtype: of the input.
        normed: whether the kernels compute the norm in front of the neuron.
        added: whether they add a shortcut.
    """
    x, one = torch.ones(1, 1, device=device, dtype=dtype), torch.ones(1, device=device)
    parameters = [attrgetter(name)(node) for name in backend.trace.parameters]
    try:
        with torch.no_grad():
            inputs = Inputs(
                *backend.arrange(x, x if added else None, [one] * backend.states),
                Affine(one, one, 1) if normed else None, backend.constants(parameters), watched=False,
            )  # fmt: skip
            found = backend.compute(inputs, learns=True)
            backend.differentiate(inputs, found.kept, parameters, [True] * backend.states, found.s, found.last)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # Triton has many: of its parser, its compiler, the assembler and the driver
        text = str(error).strip().partition("\n")[0]
        reason = f"its kernel does not compile on {device} ({type(error).__name__}: {text})"
        warnings.warn(f"{type(node).__name__} runs step by step, which is several times slower, since {reason}", stacklevel=2)
        return reason
    return None

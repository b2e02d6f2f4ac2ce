"""Finds out whether the kernels of one neuron compile, before a network computes with them."""

import warnings
from operator import attrgetter

import torch
from torch import nn

from snnx.neuron.kernel.cuda.layer import Layer


def compile_failure(layer: Layer, node: nn.Module, device: torch.device) -> str | None:
    """Return `None` if both kernels compute one step of one neuron on the device; otherwise warn, and return the reason.

    Triton compiles them again for another type of input, another number of steps, or a norm; that is not tried here.
    """
    x, count = torch.ones(1, 1, device=device), layer.kernel.states
    parameters, states = [attrgetter(name)(node) for name in layer.trace.parameters], [torch.zeros_like(x[0])] * count
    try:
        with torch.no_grad():
            s, *others = layer.forward(x, states, parameters, True)
            layer.backward(x, states, parameters, others[count:], s, others[:count], [True] * count)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # Triton has many: of its parser, its compiler, the assembler and the driver
        text = str(error).strip().partition("\n")[0]
        reason = f"its kernel does not compile on {device} ({type(error).__name__}: {text})"
        warnings.warn(f"{type(node).__name__} runs step by step, which is several times slower, since {reason}", stacklevel=2)
        return reason
    return None

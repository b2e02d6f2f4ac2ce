"""The kernels as an operator of torch, so that `torch.compile` keeps a whole sequence of a layer as one operation.

Without it, `torch.compile` would trace the definition of a neuron over all time steps. An operator takes tensors and numbers
only, so a traced layer is given by its place in `COMPILED_LAYERS`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from snnx.neuron.kernel.facts import ASIDE, PLAIN
from snnx.neuron.kernel.find import layer_of
from snnx.neuron.kernel.layer import Layer

COMPILED_LAYERS: list[Layer] = []
"""The traced layers that compiled networks use."""


def kernel_of(node: nn.Module, x: Tensor, states: Sequence[Tensor]) -> int | None:
    """Return the place in `COMPILED_LAYERS` of the layer that computes this sequence; `None` if the neuron has no kernel."""
    if not len(x) or states[0].dtype != torch.float32:
        return None
    return number_of(node, x.device, x.dim() - 1, x.dtype, seen(node))


def compiled_sequence(node: nn.Module, x: Tensor, states: Sequence[Tensor], number: int) -> list[Tensor]:
    """Return `s` and the last states by the operator, for the layer at `number`; `torch.compile` traces this.

    A state of equal numbers, as a fresh one is, is given to the operator as one number. When a plain attribute of the neuron
    changes, such as `v_threshold`, torch compiles the network again.
    """
    first = [state[(0,) * state.dim()] if not any(state.stride()) and not state.requires_grad else state for state in states]
    parameters = [*node.parameters(), *node.buffers()]
    learns = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (x, *first, *parameters))
    return sequence(x, first, parameters, number, learns)[: 1 + len(states)]


def seen(node: nn.Module) -> tuple[str, ...]:
    """Return the plain attributes of a neuron and its parts as text; a number that changes would become a variable of torch."""
    return tuple(
        f"{value}"
        for module in node.modules()
        for name, value in module.__dict__.items()
        if type(value) in PLAIN and name not in ASIDE
    )


@torch.compiler.assume_constant_result
def number_of(node: nn.Module, device: torch.device, dimensions: int, dtype: torch.dtype, read: tuple[str, ...]) -> int | None:
    """Return the place of a neuron's layer in `COMPILED_LAYERS`, or `None` if the neuron has no kernel.

    While `torch.compile` traces a network, it calls this function and keeps the answer as long as the arguments stay the same;
    `read` is an argument only so that torch recompiles when an attribute changes.
    """
    layer = layer_of(node, device, dimensions, dtype)
    if isinstance(layer, str):
        return None
    if layer not in COMPILED_LAYERS:
        COMPILED_LAYERS.append(layer)
    return COMPILED_LAYERS.index(layer)


@torch.library.custom_op("snnx::sequence", mutates_args=())
def sequence(x: Tensor, states: list[Tensor], parameters: list[Tensor], layer: int, learns: bool) -> list[Tensor]:
    """Compute `s`, the last states, and what `sequence_backward` needs besides the arguments, of a whole sequence.

    Args:
        x: the input current, `[T, *]`.
        states: the first states, `[*]`, or one number for all neurons, `[]`.
        parameters: the parameters and buffers of the neuron, each with one value.
        layer: place of the traced layer in `COMPILED_LAYERS`.
        learns: whether a gradient will be asked for.
    """
    return COMPILED_LAYERS[layer].forward(x, spread(states, x), parameters, learns)


@sequence.register_fake
def _(x: Tensor, states: list[Tensor], parameters: list[Tensor], layer: int, learns: bool) -> list[Tensor]:
    return COMPILED_LAYERS[layer].results(x, learns)


@torch.library.custom_op("snnx::sequence_backward", mutates_args=())
def sequence_backward(
    x: Tensor,
    states: list[Tensor],
    parameters: list[Tensor],
    kept: list[Tensor],
    grad_s: Tensor | None,
    grad_last: list[Tensor | None],
    wanted: list[bool],
    layer: int,
) -> list[Tensor]:
    """Compute the gradients of the input, of the first states that are `wanted`, and of the parameters."""
    return COMPILED_LAYERS[layer].backward(x, spread(states, x), parameters, kept, grad_s, grad_last, wanted)


@sequence_backward.register_fake
def _(
    x: Tensor,
    states: list[Tensor],
    parameters: list[Tensor],
    kept: list[Tensor],
    grad_s: Tensor | None,
    grad_last: list[Tensor | None],
    wanted: list[bool],
    layer: int,
) -> list[Tensor]:
    return COMPILED_LAYERS[layer].gradients(x, parameters, wanted)


def keep(ctx, inputs: tuple, output: list[Tensor]) -> None:
    x, states, parameters, ctx.layer, _ = inputs
    ctx.counts = len(states), len(parameters)
    ctx.save_for_backward(x, *states, *parameters, *output[1 + len(states) :])
    ctx.set_materialize_grads(False)


def differentiate(ctx, grads: list[Tensor | None]) -> tuple:
    (x, *saved), (many, learned) = ctx.saved_tensors, ctx.counts
    states, parameters, kept = saved[:many], saved[many : many + learned], saved[many + learned :]
    wanted = [*ctx.needs_input_grad[1]]
    grad_x, *found = sequence_backward(x, states, parameters, kept, grads[0], grads[1 : 1 + many], wanted, ctx.layer)
    grad_first = [found.pop(0).sum_to_size(state.shape) if want else None for state, want in zip(states, wanted, strict=True)]
    return grad_x, grad_first, found, None, None


sequence.register_autograd(differentiate, setup_context=keep)


def spread(states: Sequence[Tensor], x: Tensor) -> list[Tensor]:
    """Let each state have the shape of a step."""
    return [state.expand(x.shape[1:]) for state in states]

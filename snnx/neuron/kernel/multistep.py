"""An autograd function that computes a whole sequence of one layer, by one compiled loop forward and one backward."""

import ctypes
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from snnx.neuron.kernel.backward import backward
from snnx.neuron.kernel.forward import forward
from snnx.neuron.kernel.launch import ROW, Launch, State, run, threads_for
from snnx.neuron.kernel.layout import arranged, dense, like_step
from snnx.neuron.kernel.memory import PIECE, WIDEST
from snnx.neuron.kernel.norm_in_front import Affine
from snnx.neuron.kernel.render import Kernel
from snnx.neuron.kernel.values import NARROW, WIDE, Access, as_it_is, plus, plus_narrow, scaled, scaled_narrow

KEPT = 1 << 17
"""Number of values of a block that backward keeps: half a megabyte, which fits into a core's own cache."""


class MultiStep(torch.autograd.Function):
    """Computes the potentials before reset and the thresholds (if `watched`), the spikes and the last states.

    The input is `x [T, *]`, followed by what is added to it, if anything is, the states `[*]` and the parameters, each of which
    has one value. The loop converts
    bfloat16 to float32 value by value and returns bfloat16 spikes. float16 input, and any input if `watched`, is converted
    before the loop; the latter because a probe counts the spikes. Only first derivatives are available.
    """

    @staticmethod
    def forward(
        ctx,
        kernel: Kernel,
        constants: ctypes.Array,
        watched: bool,
        affine: Affine | None,
        x: Tensor,
        addend: Tensor | None,
        *rest: Tensor,
    ):
        x = in_order(x)
        addend = None if addend is None else as_ordered(addend, x)
        states = [ordered(state, x) for state in rest[: kernel.states]]
        ctx.save_for_backward(x, addend, *states, *rest[kernel.states :])  # x as given, since converting it again is cheaper
        ctx.set_materialize_grads(False)
        ctx.kernel, ctx.constants, ctx.watched, ctx.affine = kernel, constants, watched, affine
        h, threshold, s, last = compute(kernel, constants, watched, affine, x, addend, states)
        if watched:
            ctx.mark_non_differentiable(h, *([threshold] if kernel.moving else []))
        return h, threshold, s, *last

    @staticmethod
    def backward(ctx, _, __, grad_s: Tensor | None, *grad_last: Tensor | None):
        reject_second_derivative()
        kernel, (x, addend, *rest) = ctx.kernel, ctx.saved_tensors
        states, parameters = rest[: kernel.states], rest[kernel.states :]
        wanted = ctx.needs_input_grad[6 : 6 + kernel.states]
        grad_x, grad_first, grad_learned = differentiate(
            kernel, ctx.constants, ctx.watched, ctx.affine, x, addend, states, parameters, wanted, grad_s, grad_last
        )
        return None, None, None, None, grad_x, None if addend is None else grad_x, *grad_first, *grad_learned


def compute(
    kernel: Kernel,
    constants: ctypes.Array,
    watched: bool,
    affine: Affine | None,
    x: Tensor,
    addend: Tensor | None,
    states: Sequence[Tensor],
) -> tuple[Tensor | None, Tensor | None, Tensor, list[Tensor]]:
    """Run the loop forward; return `h` and the thresholds (`None` if not `watched`), `s`, and the last states."""
    access, normed, added = reading(x, watched, affine, addend)
    x, addend = (value if value is None or access is NARROW else value.float() for value in (x, addend))
    s, last = torch.empty_like(x), [like_step(x) for _ in states]
    h = torch.empty_like(x) if watched else None
    threshold = torch.empty_like(x) if watched and kernel.moving else None
    if x.numel():
        table = table_of(State(address(v), not any(v.stride()), address(new)) for v, new in zip(states, last, strict=True))
        job = launch(kernel, constants, x, addend, table, affine)
        job.s, job.h, job.threshold = address(s), address(h), address(threshold)
        run(forward(kernel, watched, access, normed, added), job, threads_for(job))
    return h, threshold, s, last


def differentiate(
    kernel: Kernel,
    constants: ctypes.Array,
    watched: bool,
    affine: Affine | None,
    given: Tensor,
    addend: Tensor | None,
    states: Sequence[Tensor],
    parameters: Sequence[Tensor],
    wanted: Sequence[bool],
    grad_s: Tensor | None,
    grad_last: Sequence[Tensor | None],
) -> tuple[Tensor, list[Tensor | None], list[Tensor]]:
    """Run the loop backward; return the gradients of the input `given`, of the first states if `wanted`, and of parameters."""
    access, normed, added = reading(given, watched, affine, addend)
    x, addend = (value if value is None or access is NARROW else value.float() for value in (given, addend))
    grad_s = torch.zeros_like(x) if grad_s is None else as_ordered(grad_s, x)
    grad_last = [None if g is None else arranged(g, x.stride()[1:]) for g in grad_last]
    grad_x = torch.empty_like(x)
    grad_first = [like_step(x) if want else None for want in wanted]
    grad_learned = [torch.zeros_like(parameter) for parameter in parameters]
    if x.numel():
        rows = zip(states, grad_first, grad_last, strict=True)
        table = table_of(State(address(v), not any(v.stride()), 0, address(g), address(last)) for v, g, last in rows)
        job = launch(kernel, constants, x, addend, table, affine)
        job.grad_s, job.grad_x = address(grad_s), address(grad_x)
        threads = threads_for(job)
        kept = torch.empty(threads * job.steps * job.block * kernel.kept)
        sums = torch.zeros(-(-job.neurons // job.block), kernel.learned, dtype=torch.float64) if parameters else None
        job.kept, job.grad_learned = address(kept), address(sums)
        run(backward(kernel, access, normed, added), job, threads)
        if parameters:
            grad_learned = [total.to(p.dtype).reshape(p.shape) for total, p in zip(sums.sum(0), parameters, strict=True)]
    return grad_x.to(given.dtype), grad_first, grad_learned


def reading(x: Tensor, watched: bool, affine: Affine | None, addend: Tensor | None) -> tuple[Access, Callable, Callable | None]:
    """Return how the loops read `x`, the function that normalises it, and the one that adds to it, if one does."""
    narrow = x.dtype == torch.bfloat16
    normed = as_it_is if affine is None else scaled_narrow if narrow else scaled
    added = None if addend is None else plus_narrow if narrow else plus
    return NARROW if narrow and not watched else WIDE, normed, added


def in_order(x: Tensor) -> Tensor:
    """Return `x` with its steps one after another in memory, and without gaps in a step."""
    return x if dense(x) and x.stride(0) == x[0].numel() else x.contiguous()


def reject_second_derivative() -> None:
    """Raise RuntimeError if autograd records the backward pass, in order to differentiate it again."""
    if torch.is_grad_enabled():
        raise RuntimeError(
            "MultiStep: create_graph must be False, since a fused kernel differentiates once; got True; "
            "run the forward within snnx.neuron.kernel.find.definition_only()"
        )


def launch(
    kernel: Kernel, constants: ctypes.Array, x: Tensor, addend: Tensor | None, table: ctypes.Array, affine: Affine | None
) -> Launch:
    """Return the arguments that both loops need."""
    steps, neurons = len(x), x[0].numel()
    fitting = min(WIDEST, KEPT // (steps * max(1, kernel.kept)), neurons // (4 * torch.get_num_threads()))
    job = Launch(
        x=address(x), addend=address(addend), states=ctypes.addressof(table), constants=ctypes.addressof(constants),
        steps=steps, neurons=neurons, block=max(PIECE, fitting) // PIECE * PIECE,
    )  # fmt: skip
    if affine is not None:
        job.scale, job.shift = address(affine.scale), address(affine.shift)
        job.channels, job.inner = len(affine.scale), affine.inner
    job.alive = (addend, table, constants, affine)
    return job


def table_of(states: Iterable[State]) -> ctypes.Array:
    """Write the addresses of the states into a table that the loops read."""
    values = [value for state in states for value in state]
    return (ctypes.c_int64 * (ROW * len(values)))(*values)


def as_ordered(grad: Tensor, x: Tensor) -> Tensor:
    """Let a gradient lie in memory as `x` does."""
    return grad if grad.stride() == x.stride() else torch.empty_like(x).copy_(grad)


def ordered(state: Tensor, x: Tensor) -> Tensor:
    """Let a state lie in memory as a step of `x`, unless it is one expanded number, as a fresh state is; a loop reads both."""
    return arranged(state, x.stride()[1:]) if any(state.stride()) else state


def address(tensor: Tensor | None) -> int:
    """Return the address of a tensor's values; 0 for `None`."""
    return 0 if tensor is None else tensor.data_ptr()

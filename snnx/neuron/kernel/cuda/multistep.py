"""An autograd function that computes a whole sequence of one layer, by one Triton kernel forward and one backward."""

from collections.abc import Sequence

import torch
from torch import Tensor

from snnx.neuron.kernel.cuda.render import Kernel, module_of
from snnx.neuron.kernel.layout import arranged, dense, like, like_step
from snnx.neuron.kernel.multistep import reject_second_derivative
from snnx.neuron.kernel.norm_in_front import Affine

SEGMENT = 8
"""Number of steps that backward holds in registers."""
MANY = 1 << 18
"""From this number of neurons on, blocks of 512 still give every multiprocessor several blocks."""


class MultiStep(torch.autograd.Function):
    """Computes the potentials before reset and the thresholds (if `watched`), the spikes and the last states.

    The input is `x [T, *]`, followed by what is added to it, if anything is, the states `[*]` and the parameters. The kernel
    converts each input to float32 and each spike to the input's type; if `watched`, spikes are float32, because a probe counts
    them. The values of a step may be in any order in memory, as in channels_last, and all steps may share memory, as in an
    expanded input; neither is copied. If it `learns`, the states before every eighth step are kept for backward. Only first
    derivatives are available.
    """

    @staticmethod
    def forward(
        ctx,
        kernel: Kernel,
        constants: list[Tensor | float],
        watched: bool,
        learns: bool,
        affine: Affine | None,
        x: Tensor,
        addend: Tensor | None,
        *rest: Tensor,
    ):
        x = in_order(x)
        if addend is not None and addend.stride()[1:] != x.stride()[1:]:
            addend = like(x, addend.dtype).copy_(addend)
        states, parameters = rest[: kernel.states], rest[kernel.states :]
        h, threshold, s, last, states, kept = compute(kernel, constants, watched, learns, affine, x, addend, states)
        ctx.save_for_backward(x, addend, *states, *kept, *parameters)
        ctx.set_materialize_grads(False)
        ctx.kernel, ctx.constants, ctx.affine = kernel, constants, affine
        if watched:
            ctx.mark_non_differentiable(h, *([threshold] if kernel.moving else []))
        return h, threshold, s, *last

    @staticmethod
    def backward(ctx, _, __, grad_s: Tensor | None, *grad_last: Tensor | None):
        reject_second_derivative()
        kernel, (x, addend, *rest) = ctx.kernel, ctx.saved_tensors
        states, kept, parameters = rest[: kernel.states], rest[kernel.states : 2 * kernel.states], rest[2 * kernel.states :]
        wanted = ctx.needs_input_grad[7 : 7 + kernel.states]
        grad_x, grad_first, grad_learned = differentiate(
            kernel, ctx.constants, ctx.affine, x, addend, states, kept, parameters, wanted, grad_s, grad_last
        )
        return *[None] * 5, grad_x, None if addend is None else grad_x, *grad_first, *grad_learned


def compute(
    kernel: Kernel,
    constants: Sequence[Tensor | float],
    watched: bool,
    learns: bool,
    affine: Affine | None,
    x: Tensor,
    addend: Tensor | None,
    states: Sequence[Tensor],
) -> tuple[Tensor | None, Tensor | None, Tensor, list[Tensor], Sequence[Tensor], list[Tensor | None]]:
    """Start the kernel forward; return `h`, the thresholds, `s`, the last states, the first ones as read, and those kept."""
    same, states = as_read(x, states)
    s = like(x, torch.float32 if watched else x.dtype)
    h = like(x, torch.float32) if watched else None
    threshold = like(x, torch.float32) if watched and kernel.moving else None
    last = [like_step(x) for _ in states]
    kept = [kept_of(x) if learns else None for _ in states]
    if x.numel():
        tables = [tensor for row in zip(states, last, kept, strict=True) for tensor in row]
        strides, norm = [x.stride(0), step_of(addend), *channels_of(affine)], scale_and_shift(affine)
        launch(kernel, "forward", x, [x, addend, s, h, threshold, *norm, *tables, *constants], strides, sizes_of(x, same))
    return h, threshold, s, last, states, kept


def differentiate(
    kernel: Kernel,
    constants: Sequence[Tensor | float],
    affine: Affine | None,
    x: Tensor,
    addend: Tensor | None,
    states: Sequence[Tensor],
    kept: Sequence[Tensor | None],
    parameters: Sequence[Tensor],
    wanted: Sequence[bool],
    grad_s: Tensor | None,
    grad_last: Sequence[Tensor | None],
) -> tuple[Tensor, list[Tensor | None], list[Tensor]]:
    """Start the kernel backward; return the gradients of the input, of the first states if `wanted`, and of parameters."""
    same, states = as_read(x, states)
    if grad_s is None:
        grad_s = like_step(x).zero_().expand(x.shape)
    elif grad_s.stride()[1:] != x.stride()[1:]:
        grad_s = like(x, grad_s.dtype).copy_(grad_s)
    grad_last = [None if g is None else arranged(g, x.stride()[1:]) for g in grad_last]
    grad_x, grad_first = like(x, x.dtype), [like_step(x) if want else None for want in wanted]
    programs = -(-x[0].numel() // block_of(x))
    shares = x.new_empty(kernel.learned, programs, dtype=torch.float32) if parameters else None
    if x.numel():
        tables = [tensor for row in zip(states, kept, grad_first, grad_last, strict=True) for tensor in row]
        strides = [x.stride(0), step_of(addend), grad_s.stride(0), *channels_of(affine)]
        norm = scale_and_shift(affine)
        launch(
            kernel, "backward", x, [x, addend, grad_s, grad_x, shares, *norm, *tables, *constants], strides, sizes_of(x, same)
        )
    totals = shares.sum(1, dtype=torch.float64) if parameters else ()
    return grad_x, grad_first, [total.to(p.dtype).reshape(p.shape) for total, p in zip(totals, parameters, strict=True)]


def in_order(x: Tensor) -> Tensor:
    """Return `x` as floating point, without gaps in a step; all steps may share memory."""
    x = x if x.is_floating_point() else x.float()
    return x if dense(x) else x.contiguous()


def as_read(x: Tensor, states: Sequence[Tensor]) -> tuple[bool, Sequence[Tensor]]:
    """Return whether each state is one expanded number; if one is not, all lie in memory as a step of `x`."""
    same = not any(any(state.stride()) for state in states)
    return same, states if same else [arranged(state, x.stride()[1:]) for state in states]


def segment_of(x: Tensor) -> int:
    """Return the number of steps that backward holds in registers."""
    return min(SEGMENT, 1 << (len(x) - 1).bit_length())


def kept_of(x: Tensor) -> Tensor:
    """Return the memory for the values that a state has before each segment but the first."""
    return x.new_empty(-(-len(x) // segment_of(x)) - 1, *x.shape[1:], dtype=torch.float32)


def sizes_of(x: Tensor, same: bool) -> dict[str, int | bool]:
    """Return what a kernel is compiled for."""
    segment = segment_of(x)
    return {"SAME": same, "SEGMENT": segment, "EVEN": len(x) % segment == 0, "BLOCK": block_of(x)}


def launch(kernel: Kernel, name: str, x: Tensor, tensors: list, strides: list[int], sizes: dict[str, int | bool]) -> None:
    """Start a kernel, with one program for each block of neurons."""
    neurons = x[0].numel()
    with torch.cuda.device_of(x):
        loop = getattr(module_of(kernel.text), name)[(-(-neurons // sizes["BLOCK"]),)]
        loop(*tensors, len(x), neurons, *strides, **sizes, enable_fp_fusion=False)  # a fused sum would be rounded otherwise


def step_of(addend: Tensor | None) -> int:
    """Return the distance in memory from one step to the next."""
    return 1 if addend is None else addend.stride(0)


def scale_and_shift(affine: Affine | None) -> list[Tensor | None]:
    """Return a norm's tensors; without a norm there are none."""
    return [None, None] if affine is None else [affine.scale, affine.shift]


def channels_of(affine: Affine | None) -> list[int]:
    """Return the number of channels, and of values that follow one another in each."""
    return [1, 1] if affine is None else [len(affine.scale), affine.inner]


def block_of(x: Tensor) -> int:
    """Return the number of neurons in a block."""
    return 512 if x[0].numel() >= MANY else 128

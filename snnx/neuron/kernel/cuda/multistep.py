"""An autograd function that computes a whole sequence of one layer, by one Triton kernel forward and one backward."""

from collections.abc import Callable
from operator import attrgetter

import torch
from torch import Tensor, nn

from snnx.neuron.kernel.cuda.render import Kernel, module_of, render
from snnx.neuron.kernel.layout import arranged, dense, like, like_step
from snnx.neuron.kernel.multistep import reject_second_derivative
from snnx.neuron.kernel.normed import Affine, prepared
from snnx.neuron.kernel.settings import evaluate
from snnx.neuron.kernel.trace import Trace

SEGMENT = 8
"""Number of steps that backward holds in registers."""
MANY = 1 << 18
"""From this number of neurons on, blocks of 512 still give every multiprocessor several blocks."""


class Layer:
    """The traced step of a neuron, and its kernel for a GPU."""

    path = "triton"

    def __init__(self, trace: Trace) -> None:
        self.trace, self.kernel = trace, render(trace)
        self.numbers = {f"n{i}": number for i, number in enumerate(trace.numbers)}

    def runner(self, node: nn.Module) -> Callable[..., tuple[Tensor | None, ...]]:
        """Return the function that computes a sequence of `node`."""
        parameters = [attrgetter(name)(node) for name in self.trace.parameters]
        known = evaluate(self.trace, self.numbers, parameters)
        constants = [known[name] for name in self.kernel.constants]
        kernel, watched = self.kernel, node.probe is not None

        def fused(x: Tensor, *states: Tensor) -> tuple[Tensor | None, ...]:
            x, affine = prepared(node, x)
            learns = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (x, *states, *parameters))
            return MultiStep.apply(kernel, constants, watched, learns, affine, x, *states, *parameters)

        return fused


class MultiStep(torch.autograd.Function):
    """Computes the potentials before reset and the thresholds (if `watched`), the spikes and the last states.

    The input is `x [T, *]`, followed by the states `[*]` and the parameters. The kernel converts each input to float32 and each
    spike to the input's type; if `watched`, spikes are float32, because a probe counts them. The values of a step may be in any
    order in memory, as in channels_last, and all steps may share memory, as in an expanded input; neither is copied. If it
    `learns`, the states before every eighth step are kept for backward. Only first derivatives are available.
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
        *rest: Tensor,
    ):
        x = x if x.is_floating_point() else x.float()
        x = x if dense(x) else x.contiguous()
        states, parameters = rest[: kernel.states], rest[kernel.states :]
        same = not any(any(state.stride()) for state in states)
        states = states if same else [arranged(state, x.stride()[1:]) for state in states]
        s = like(x, torch.float32 if watched else x.dtype)
        h = like(x, torch.float32) if watched else None
        threshold = like(x, torch.float32) if watched and kernel.moving else None
        last = [like_step(x) for _ in states]
        segment = min(SEGMENT, 1 << (len(x) - 1).bit_length())
        kept = [x.new_empty(-(-len(x) // segment) - 1, *x.shape[1:], dtype=torch.float32) if learns else None for _ in states]
        ctx.sizes = {"SAME": same, "SEGMENT": segment, "EVEN": len(x) % segment == 0, "BLOCK": block_of(x)}
        if x.numel():
            tables = [tensor for row in zip(states, last, kept, strict=True) for tensor in row]
            strides, norm = [x.stride(0), *channels_of(affine)], scale_and_shift(affine)
            launch(kernel, "forward", x, [x, s, h, threshold, *norm, *tables, *constants], strides, ctx.sizes)
        ctx.save_for_backward(x, *states, *kept, *parameters)
        ctx.set_materialize_grads(False)
        ctx.kernel, ctx.constants, ctx.affine = kernel, constants, affine
        if watched:
            ctx.mark_non_differentiable(h, *([threshold] if kernel.moving else []))
        return h, threshold, s, *last

    @staticmethod
    def backward(ctx, _, __, grad_s: Tensor | None, *grad_last: Tensor | None):
        reject_second_derivative()
        kernel, (x, *rest) = ctx.kernel, ctx.saved_tensors
        states, kept, parameters = rest[: kernel.states], rest[kernel.states : 2 * kernel.states], rest[2 * kernel.states :]
        if grad_s is None:
            grad_s = like_step(x).zero_().expand(x.shape)
        elif grad_s.stride()[1:] != x.stride()[1:]:
            grad_s = like(x, grad_s.dtype).copy_(grad_s)
        grad_last = [None if g is None else arranged(g, x.stride()[1:]) for g in grad_last]
        wanted = ctx.needs_input_grad[6 : 6 + kernel.states]
        grad_x, grad_first = like(x, x.dtype), [like_step(x) if want else None for want in wanted]
        programs = -(-x[0].numel() // ctx.sizes["BLOCK"])
        shares = x.new_empty(kernel.learned, programs, dtype=torch.float32) if parameters else None
        if x.numel():
            tables = [tensor for row in zip(states, kept, grad_first, grad_last, strict=True) for tensor in row]
            strides, norm = [x.stride(0), grad_s.stride(0), *channels_of(ctx.affine)], scale_and_shift(ctx.affine)
            launch(kernel, "backward", x, [x, grad_s, grad_x, shares, *norm, *tables, *ctx.constants], strides, ctx.sizes)
        totals = shares.sum(1, dtype=torch.float64) if parameters else ()
        grad_learned = [total.to(p.dtype).reshape(p.shape) for total, p in zip(totals, parameters, strict=True)]
        return None, None, None, None, None, grad_x, *grad_first, *grad_learned


def launch(kernel: Kernel, name: str, x: Tensor, tensors: list, strides: list[int], sizes: dict[str, int | bool]) -> None:
    """Start a kernel, with one program for each block of neurons."""
    neurons = x[0].numel()
    with torch.cuda.device_of(x):
        loop = getattr(module_of(kernel.text), name)[(-(-neurons // sizes["BLOCK"]),)]
        loop(*tensors, len(x), neurons, *strides, **sizes, enable_fp_fusion=False)  # a fused sum would be rounded otherwise


def scale_and_shift(affine: Affine | None) -> list[Tensor | None]:
    """Return a norm's tensors; without a norm there are none."""
    return [None, None] if affine is None else [affine.scale, affine.shift]


def channels_of(affine: Affine | None) -> list[int]:
    """Return the number of channels, and of values that follow one another in each."""
    return [1, 1] if affine is None else [len(affine.scale), affine.inner]


def block_of(x: Tensor) -> int:
    """Return the number of neurons in a block."""
    return 512 if x[0].numel() >= MANY else 128

"""An autograd function that computes a whole sequence of one layer, by one compiled loop forward and one backward."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from snnx.neuron.kernel.backward import backward
from snnx.neuron.kernel.forward import forward
from snnx.neuron.kernel.launch import Launch, run, threads_for
from snnx.neuron.kernel.memory import PIECE, WIDEST
from snnx.neuron.kernel.values import NARROW, WIDE

KEPT = 1 << 17
"""Number of potentials of a block that backward keeps: half a megabyte, which fits into a core's own cache."""


class Kernel(NamedTuple):
    """One layer's equations, as functions to compile, and its constants."""

    charge: Callable
    charge_back: Callable
    discharge: Callable
    discharge_back: Callable
    slope: Callable
    decays: bool
    once: bool
    detached: bool
    tau: float
    v_threshold: float
    scaled_threshold: float
    v_reset: float
    alpha: float

    def job(self, x: Tensor, v: Tensor, fired: Tensor | None, k: Tensor | None) -> Launch:
        """Return the arguments of a loop: the input, the initial states and the constants."""
        steps, neurons = len(x), v.numel()
        block = max(PIECE, min(WIDEST, KEPT // steps, neurons // (4 * torch.get_num_threads()))) // PIECE * PIECE
        return Launch(
            x=x.data_ptr(), v=v.data_ptr(), v_same=not any(v.stride()),
            f=address(fired), f_same=fired is not None and not any(fired.stride()),
            steps=steps, neurons=neurons, block=block,
            tau=self.tau, leak=1 / self.tau, k=0.0 if k is None else k.item(),
            v_threshold=self.v_threshold, scaled_threshold=self.scaled_threshold, v_reset=self.v_reset, alpha=self.alpha,
        )  # fmt: skip


class MultiStep(torch.autograd.Function):
    """Computes the potentials before reset (if `watched`), the spikes and the last states from the input and the states.

    The input is `x [T, *]`; the states are `v [*]` and, for a neuron that fires once, `fired [*]`. The loop converts bfloat16
    to float32 value by value and returns bfloat16 spikes. float16 input, and any input if `watched`, is converted before the
    loop; the latter because a probe counts the spikes.

    `k` is the layer's learned number (PLIF's sigmoid(w), KLIF's k) or `None`. Only first derivatives are available.
    """

    @staticmethod
    def forward(ctx, x: Tensor, v: Tensor, fired: Tensor | None, k: Tensor | None, kernel: Kernel, watched: bool):
        x, v = x.contiguous(), dense(v)
        fired = None if fired is None else dense(fired)
        ctx.save_for_backward(x, v, fired, k)  # x is saved unconverted: converting it again is cheaper
        ctx.access = NARROW if x.dtype == torch.bfloat16 and not watched else WIDE
        x = x if ctx.access is NARROW else x.float()
        ctx.set_materialize_grads(False)
        ctx.kernel = kernel
        s, v_last = torch.empty_like(x), v.new_empty(v.shape)
        h = torch.empty_like(x) if watched else None
        fired_last = v.new_empty(v.shape) if kernel.once else None
        if x.numel():
            job = kernel.job(x, v, fired, k)
            job.s, job.h, job.v_last, job.f_last = address(s), address(h), address(v_last), address(fired_last)
            loop = forward(kernel.charge, kernel.discharge, kernel.decays, kernel.once, watched, ctx.access)
            run(loop, job, threads_for(job))
        if watched:
            ctx.mark_non_differentiable(h)
        return (h, s, v_last, fired_last) if kernel.once else (h, s, v_last)

    @staticmethod
    def backward(ctx, _, grad_s: Tensor | None, grad_v_last: Tensor | None, grad_f_last: Tensor | None = None):
        if torch.is_grad_enabled():
            raise RuntimeError(
                "MultiStep: create_graph must be False, since a fused kernel differentiates once; got True; "
                "run the forward within snnx.neuron.kernel.find.definition_only()"
            )
        given, v, fired, k = ctx.saved_tensors
        x = given if ctx.access is NARROW else given.float()
        kernel, learns = ctx.kernel, k is not None
        grad_s = torch.zeros_like(x) if grad_s is None else grad_s.contiguous()
        grad_v_last = None if grad_v_last is None else grad_v_last.contiguous()
        grad_f_last = None if grad_f_last is None else grad_f_last.contiguous()
        grad_x = torch.empty_like(x)
        grad_v = v.new_empty(v.shape) if ctx.needs_input_grad[1] else None
        grad_f = v.new_empty(v.shape) if ctx.needs_input_grad[2] else None
        grad_k = torch.zeros_like(k) if learns else None
        if x.numel():
            job = kernel.job(x, v, fired, k)
            job.grad_s, job.grad_v_last, job.grad_f_last = address(grad_s), address(grad_v_last), address(grad_f_last)
            job.grad_x, job.grad_v, job.grad_f = address(grad_x), address(grad_v), address(grad_f)
            sums = torch.zeros(-(-job.neurons // job.block), dtype=torch.float64) if learns else None
            threads = threads_for(job)
            kept = v.new_empty(threads * job.steps * job.block * 3)
            job.grad_k, job.kept = address(sums), address(kept)
            loop = backward(
                kernel.charge, kernel.charge_back, kernel.discharge, kernel.discharge_back, kernel.slope,
                kernel.decays, kernel.once, kernel.detached, learns, ctx.access,
            )  # fmt: skip
            run(loop, job, threads)
            if learns:
                grad_k = sums.sum().to(k.dtype).reshape(k.shape)
        return grad_x.to(given.dtype), grad_v, grad_f, grad_k, None, None


def dense(state: Tensor) -> Tensor:
    """Make `state` contiguous, unless it is a single expanded number, as a fresh state is; a loop can read both."""
    return state.contiguous() if any(state.stride()) else state


def address(tensor: Tensor | None) -> int:
    """Return the address of a tensor's values; 0 for `None`."""
    return 0 if tensor is None else tensor.data_ptr()

"""A whole sequence through one layer in two compiled loops, as one function of autograd."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from snnx.neuron.kernel.backward import backward
from snnx.neuron.kernel.forward import forward
from snnx.neuron.kernel.job import Job, run, threads_for
from snnx.neuron.kernel.memory import PIECE, WIDEST

KEPT = 1 << 17
"""Potentials of a block that backward keeps: half a megabyte, which a core's own cache holds."""


class Kernel(NamedTuple):
    """One layer's equations, as compiled functions, and its numbers."""

    charge: Callable
    charge_back: Callable
    discharge: Callable
    discharge_back: Callable
    slope: Callable
    decays: bool
    detached: bool
    tau: float
    v_threshold: float
    scaled_threshold: float
    v_reset: float
    alpha: float

    def job(self, x: Tensor, v: Tensor, k: float) -> Job:
        """Input, first state and constants."""
        steps, neurons = len(x), v.numel()
        block = max(PIECE, min(WIDEST, KEPT // steps, neurons // (4 * torch.get_num_threads()))) // PIECE * PIECE
        return Job(
            x=x.data_ptr(), v=v.data_ptr(), v_same=not any(v.stride()),
            steps=steps, neurons=neurons, block=block,
            tau=self.tau, leak=1 / self.tau, k=k, v_threshold=self.v_threshold, v_reset=self.v_reset,
            scaled_threshold=self.scaled_threshold, alpha=self.alpha,
        )  # fmt: skip


class MultiStep(torch.autograd.Function):
    """`x [T, *], v [*]` to spikes, last potential and, if `watched`, the potentials before reset.

    `k` is the layer's learnt number (PLIF's sigmoid(w), KLIF's k) or `None`. Differentiable once.
    """

    @staticmethod
    def forward(ctx, x: Tensor, v: Tensor, k: Tensor | None, kernel: Kernel, watched: bool):
        x = x.contiguous()
        v = v.contiguous() if any(v.stride()) else v  # a fresh state is one number, expanded
        ctx.save_for_backward(x, v, k)
        ctx.set_materialize_grads(False)
        ctx.kernel = kernel
        s, v_last = torch.empty_like(x), x.new_empty(v.shape)
        h = torch.empty_like(x) if watched else None
        if x.numel():
            job = kernel.job(x, v, 0.0 if k is None else k.item())
            job.s, job.v_last, job.h = s.data_ptr(), v_last.data_ptr(), h.data_ptr() if watched else 0
            run(forward(kernel.charge, kernel.discharge, kernel.decays, watched), job, threads_for(job))
        if watched:
            ctx.mark_non_differentiable(h)
        return s, v_last, h

    @staticmethod
    def backward(ctx, grad_s: Tensor | None, grad_v_last: Tensor | None, _):
        if torch.is_grad_enabled():
            raise RuntimeError(
                "MultiStep: create_graph must be False, since a fused kernel differentiates once; got True; "
                "run the forward within snnx.neuron.kernel.find.definition_only()"
            )
        x, v, k = ctx.saved_tensors
        kernel = ctx.kernel
        grad_s = torch.zeros_like(x) if grad_s is None else grad_s.contiguous()
        grad_v_last = None if grad_v_last is None else grad_v_last.contiguous()
        grad_x = torch.empty_like(x)
        grad_v = x.new_empty(v.shape) if ctx.needs_input_grad[1] else None
        grad_k = None
        if x.numel():
            job = kernel.job(x, v, 0.0 if k is None else k.item())
            job.grad_s, job.grad_x = grad_s.data_ptr(), grad_x.data_ptr()
            job.grad_v_last = 0 if grad_v_last is None else grad_v_last.data_ptr()
            job.grad_v = 0 if grad_v is None else grad_v.data_ptr()
            learns = k is not None
            if learns:
                sums = torch.zeros(-(-job.neurons // job.block), dtype=torch.float64)
                job.grad_k = sums.data_ptr()
            threads = threads_for(job)
            kept = x.new_empty(threads * job.steps * job.block * 2)
            job.kept = kept.data_ptr()
            loop = backward(
                kernel.charge, kernel.charge_back, kernel.discharge, kernel.discharge_back, kernel.slope,
                kernel.decays, kernel.detached, learns,
            )  # fmt: skip
            run(loop, job, threads)
            if learns:
                grad_k = sums.sum().to(k.dtype).reshape(k.shape)
        elif k is not None:
            grad_k = torch.zeros_like(k)
        return grad_x, grad_v, grad_k, None, None

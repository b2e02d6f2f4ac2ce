"""Computes spike times and gradient of neurons that fire at most once at a constant threshold, by sorting the inputs."""

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from snnx.spike_time.as_array import as_array
from snnx.spike_time.sorted_sums import causal_gradients, causal_times

SILENT = float("-inf")
"""The activation `a = 1 - t` of a neuron that never fires."""


class CausalSet(torch.autograd.Function):
    """Computes how early the neurons of a layer fire from how early their inputs fire.

        V(t) = sum of w_i max(t - t_i, 0)        no leak, no bias, no reset, no time window
        t    = the first time with V(t) >= 1
             = (1 + sum over C of w_i t_i)/S        C = the inputs with t_i < t, S = sum over C of w_i > 0

    C depends on t. Inputs are therefore added in the order of their times, until the potential reaches the threshold before the
    next input arrives. Times are given as activations `a = 1 - t`. Backward, with 1/S limited to `clip`:

        da/da_i = w_i/S        da/dw_i = (a_i - a)/S        for i in C, else 0

    On a CPU, sorting and adding run in one thread. On a GPU, all samples and neurons are computed at once, see `sorted_sums`.

    Shape:
        weight `[O, I]` and activations `[N, I]` to `[N, O]`; `-inf` means that an input or neuron does not fire.

    Source: STDBP (Zhang et al., 2020). Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold calls this neuron
        "without DFT".

    Example:
        >>> weight, t = torch.tensor([[1.0, 1.0]]), torch.tensor([[0.25, 5.0]])
        >>> 1 - CausalSet.apply(weight, 1 - t, None)           # the second input comes too late to count
        tensor([[1.2500]])
    """

    @staticmethod
    def forward(ctx: FunctionCtx, weight: Tensor, activation: Tensor, clip: float | None) -> Tensor:
        """Compute the activations.

        Args:
            weight: weights of the layer.
            activation: activations of its inputs.
            clip: largest `1/S` in backward, > 0; `None` for no limit.
        """
        return fire(ctx, weight, activation, clip, reach=1.0, lost=0.0)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        weight, activation, out, slope = ctx.saved_tensors
        factor = slope.reciprocal() if ctx.clip is None else slope.reciprocal().clamp_(max=ctx.clip)
        flow = torch.where(out > SILENT, grad * factor, 0.0)
        if not weight.is_cpu:
            return *causal_gradients(weight, activation, out, flow), None
        w, a = as_array(weight), as_array(activation)
        grad_w, grad_a = np.zeros_like(w), np.zeros_like(a)
        _back(w, a, as_array(out), as_array(flow), grad_w, grad_a)
        return torch.from_numpy(grad_w), torch.from_numpy(grad_a), None


def fire(ctx: FunctionCtx, weight: Tensor, activation: Tensor, clip: float | None, *, reach: float, lost: float) -> Tensor:
    """Compute `t = (reach + sum over C of w_i t_i)/S` with `S = sum over C of w_i - lost`, and save what backward needs."""
    if weight.is_cpu:
        w, a = as_array(weight), as_array(activation)
        order = np.argsort(-a, axis=1)
        out = np.empty((len(a), len(w)), dtype=a.dtype)
        slope = np.empty_like(out)
        _first(np.ascontiguousarray(w.T), a, order, reach, lost, out, slope)
        out, slope = torch.from_numpy(out), torch.from_numpy(slope)
    else:
        out, slope = causal_times(weight, activation, reach, lost)
    ctx.save_for_backward(weight, activation, out, slope)
    ctx.clip = clip
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _first(w, a, order, reach, lost, out, slope):
    """Add inputs in their order until the potential reaches the threshold before the next input arrives.

    All neurons of a layer add one input before any adds the next, so that the loop over neurons is vectorised; `w` is `[I, O]`.
    """
    neurons = w.shape[1]
    total, level, time, rise = np.empty(neurons), np.empty(neurons), np.empty(neurons), np.empty(neurons)
    for n in range(a.shape[0]):
        fired = 0
        while fired < a.shape[1] and a[n, order[n, fired]] > -np.inf:
            fired += 1
        total[:], level[:], time[:], rise[:] = -lost, 0.0, np.inf, 1.0  # a neuron fires where total * t - level = reach
        left = neurons
        for k in range(fired):
            if left == 0:
                break
            row, start = w[order[n, k]], 1.0 - a[n, order[n, k]]
            after = np.inf if k + 1 == fired else 1.0 - a[n, order[n, k + 1]]
            for o in range(neurons):
                total[o] += row[o]
                level[o] += row[o] * start
            if after == start:
                continue  # the next input arrives at the same time, and no potential changes between the two
            for o in range(neurons):
                t = (reach + level[o]) / total[o]
                now = (time[o] == np.inf) & (total[o] > 0.0) & (t <= after)
                time[o] = t if now else time[o]
                rise[o] = total[o] if now else rise[o]
            left = 0
            for o in range(neurons):
                left += time[o] == np.inf
        for o in range(neurons):
            out[n, o], slope[n, o] = 1.0 - time[o], rise[o]


@njit(cache=True, nogil=True, error_model="numpy")
def _back(w, a, out, flow, grad_w, grad_a):
    for n in range(a.shape[0]):
        for o in range(w.shape[0]):
            g, end = flow[n, o], out[n, o]
            if g == 0.0:
                continue
            for i in range(a.shape[1]):
                if a[n, i] > end:
                    grad_a[n, i] += g * w[o, i]
                    grad_w[o, i] += g * (a[n, i] - end)

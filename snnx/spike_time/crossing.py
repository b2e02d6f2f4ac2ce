"""Computes the step at which neurons fire that add up the weights of their inputs, and applies S4NN's learning rule."""

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from snnx.spike_time.as_array import as_array
from snnx.spike_time.sorted_sums import crossing_gradients, crossing_steps

BEFORE_END = 3
"""If no output fires, the class with the highest potential this many steps before the end is chosen."""


class Crossing(torch.autograd.Function):
    """Computes at which step each neuron of a layer fires: one step after its potential has risen above the threshold.

        V(k) = sum of w_i over t_i <= k             k = 0, 1, ..., steps - 1; no leak, no reset
        t    = 1 + the first k with V(k) > threshold, or `steps`, if there is none

    With a `factor`, only the signs of the weights count, and the threshold is `threshold / factor` (BS4NN). Times are given as
    activations `a = 1 - t/steps`, so `a = 0` is a neuron that does not fire. Backward is no derivative, but the rule of the
    papers. Each sample's gradient is divided by its norm first, so that it only distributes a correction of length 1:

        g        = g / |g|                          unless it is 0
        dL/dw_i  = g [t_i < t]
        dL/da_i  = sum over neurons of g w_i [t_i < t]
        dL/df    = mean over all weights of g sign(w_i) [t_i < t]

    The gradients of weights and factor are averaged over the batch.

    Shape:
        weight `[O, I]`, activations `[N, I]` and factor `[]` or `None` to activations `[N, O]`.

    Source: Kheradpisheh and Masquelier, S4NN, 2020, and Kheradpisheh et al., BS4NN, 2022, and their code (SRKH/S4NN,
        SRKH/BS4NN). There, the gradient of an earlier layer is computed after the weights are updated; `learn` in
        `one_by_one.py` does the same.

    Example:
        >>> weight, t = torch.tensor([[3.0, 4.0]]), torch.tensor([[2.0, 6.0]])
        >>> [8 - 8 * Crossing.apply(weight, 1 - t / 8, None, threshold, 8).item() for threshold in (2.0, 5.0, 9.0)]
        [3.0, 7.0, 8.0]
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx, weight: Tensor, activation: Tensor, factor: Tensor | None, threshold: float, steps: int
    ) -> Tensor:
        """Compute the activations.

        Args:
            weight: weights of the layer.
            activation: activations of its inputs.
            factor: BS4NN's factor; `None` if the weights themselves count, not only their signs.
            threshold: potential above which a neuron fires.
            steps: number of time steps.
        """
        effective = weight if factor is None else weight.sign()
        times = as_steps(activation, steps)
        if weight.is_cpu:
            level = threshold if factor is None else threshold / factor.item()
            found = torch.empty(len(times), len(weight), dtype=torch.int32)
            _cross(as_array(effective), times.numpy(), level, steps, found.numpy())
        else:
            found = crossing_steps(effective, times, threshold if factor is None else threshold / factor, steps)
        ctx.save_for_backward(weight, factor, times, found)
        return 1 - found.to(activation) / steps

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None, None]:
        weight, factor, times, found = ctx.saved_tensors
        norm = grad.norm(dim=1, keepdim=True)
        grad = torch.where(norm > 0, grad / norm, 0.0)
        if weight.is_cpu:
            w = as_array(weight)
            grad_w, grad_a = np.zeros_like(w), np.zeros((len(grad), w.shape[1]), dtype=w.dtype)
            _distribute(w, times.numpy(), found.numpy(), as_array(grad), grad_w, grad_a)
            grad_w, grad_a = torch.from_numpy(grad_w).to(grad), torch.from_numpy(grad_a).to(grad)
        else:
            grad_w, grad_a = crossing_gradients(weight, times, found, grad)
        grad_w = grad_w / len(grad)
        grad_f = None if factor is None else (grad_w * weight.sign()).mean()
        return grad_w, grad_a, grad_f, None, None


def as_steps(activation: Tensor, steps: int) -> Tensor:
    """Return the times `t = steps (1 - a)` as whole numbers."""
    return ((1 - activation.detach()) * steps).round().int()


@njit(cache=True, nogil=True)
def sort_times(times, steps, order, starts):
    """Write the numbers of the inputs that fire before `steps` into `order`, in the order of their times; return how many."""
    starts[:] = 0
    for i in range(len(times)):
        if times[i] < steps:
            starts[times[i] + 1] += 1
    for k in range(steps):
        starts[k + 1] += starts[k]
    fired = starts[steps]
    for i in range(len(times)):
        if times[i] < steps:
            order[starts[times[i]]] = i
            starts[times[i]] += 1
    return fired


@njit(cache=True, nogil=True)
def cross_one(w, times, order, fired, threshold, steps, binary, out):
    """Write the spike times of a layer for one sample, whose inputs are sorted."""
    for o in range(w.shape[0]):
        v = 0.0
        out[o] = steps
        for k in range(fired):
            i = order[k]
            v += np.sign(w[o, i]) if binary else w[o, i]
            if v > threshold and (k + 1 == fired or times[order[k + 1]] > times[i]):  # all inputs of this step have arrived
                out[o] = times[i] + 1
                break


@njit(cache=True, nogil=True)
def _cross(w, times, threshold, steps, out):
    order, starts = np.empty(times.shape[1], np.int64), np.empty(steps + 1, np.int64)
    for n in range(times.shape[0]):
        fired = sort_times(times[n], steps, order, starts)
        cross_one(w, times[n], order, fired, threshold, steps, False, out[n])


@njit(cache=True, nogil=True)
def _distribute(w, times, found, grad, grad_w, grad_a):
    for n in range(found.shape[0]):
        for o in range(w.shape[0]):
            g, t = grad[n, o], found[n, o]
            if g == 0:
                continue
            for i in range(w.shape[1]):
                if times[n, i] < t:
                    grad_w[o, i] += g
                    grad_a[n, i] += g * w[o, i]

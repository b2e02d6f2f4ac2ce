"""Trains as S4NN's published code does: the weights change after every sample."""

from collections.abc import Sequence

import numpy as np
import torch
from numba import njit
from torch import Tensor

from snnx.spike_time.crossing import BEFORE_END, as_steps, cross_one, sort_times
from snnx.spike_time.step_layer import StepLayer


def learn_layers(
    layers: Sequence[StepLayer],
    activation: Tensor,
    labels: Tensor,
    *,
    gamma: int,
    gamma_silent: int,
    lr: float,
    decay: float,
    factor_lr: float,
) -> Tensor:
    """Change the weights and factors of these layers by `learn`, and count which of their neurons fired.

    Shape:
        activations `[B, I]` of the inputs and labels `[B]` to the three planes of the last layer, `[3, B, K]`: the outputs of
        each sample, computed before its update.
    """
    steps = layers[0].steps
    weights = [layer.layer.weight.detach().cpu().numpy().copy() for layer in layers]
    factors = np.array([layer.factor.item() for layer in layers if layer.factor is not None])
    inputs = as_steps(activation, steps).cpu().numpy()
    times, potentials = learn(
        weights, factors, inputs, labels.cpu().numpy(), threshold=layers[0].threshold, steps=steps, gamma=gamma,
        gamma_silent=gamma_silent, lr=lr, decay=decay, factor_lr=factor_lr,
    )  # fmt: skip
    with torch.no_grad():
        for layer, weight, found in zip(layers, weights, times, strict=True):
            layer.layer.weight.copy_(torch.from_numpy(weight))
            layer.count(torch.from_numpy(found < steps))
        for layer, factor in zip(layers, factors, strict=False):
            layer.factor.fill_(factor)
    found = torch.from_numpy(times[-1])
    return torch.stack([found < steps, 1 - found / steps, torch.from_numpy(potentials)]).to(activation)


def learn(
    weights: Sequence[np.ndarray],
    factors: np.ndarray,
    times: np.ndarray,
    labels: np.ndarray,
    *,
    threshold: float,
    steps: int,
    gamma: int,
    gamma_silent: int,
    lr: float,
    decay: float,
    factor_lr: float,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Change the weights of all layers for one sample after another, in place.

        e  = (target - t)/steps of the outputs          target: see `RelativeTarget`
        for the layers, the last one first:
            e   = e / |e|                               unless it is 0
            w_i = w_i - lr e [t_i < t]
            w_i = w_i - lr decay w_i
            f   = f - factor_lr * mean of e sign(w_i) [t_i < t]         of BS4NN
            e_i = sum over neurons of e w_i [t_i < t]                   the errors of the layer before, with the new weights

    The published decay of one sample, 2e-7 of a weight, is only two to three spacings of float32 numbers, so subtracting it
    would round it. Instead, one number c of double precision holds the decay of all samples so far: the weights are c times
    the arrays. The arrays are multiplied by c when it falls below 1/2, and at the end of each call.

    Args:
        weights: the weights of each layer, `[O, I]`, floats.
        factors: BS4NN's factor of each layer; empty for S4NN.
        times: spike times of the inputs, `[N, I]`, whole numbers.
        labels: classes of the samples, `[N]`.
        threshold: threshold of all layers; BS4NN divides it by the factor.
        steps, gamma, gamma_silent: see `RelativeTarget`.
        lr: learning rate of the weights.
        decay: weight decay; each step multiplies it by the learning rate; the product must be below 1.
        factor_lr: learning rate of the factors.

    Returns:
        the spike times of each layer, `[N, O]`, and the potentials of the outputs, which decide ties, `[N, K]`; both are
        computed before the sample's update.

    Source: `S4NN.py` of SRKH/S4NN and `BS4NN_mnist.ipynb` of SRKH/BS4NN.
    """
    found = [np.empty((len(times), len(w)), dtype=np.int32) for w in weights]
    potentials = np.empty((len(times), len(weights[-1])))
    _learn(
        tuple(weights), factors, (times, *found), labels.astype(np.int64), potentials,
        float(threshold), steps, gamma, gamma_silent, lr, decay, factor_lr,
    )  # fmt: skip
    return found, potentials


@njit(cache=True, nogil=True)
def _learn(weights, factors, times, labels, potentials, threshold, steps, gamma, gamma_silent, lr, decay, factor_lr):
    binary = len(factors) > 0
    widest = 0
    for layer in times:
        widest = max(widest, layer.shape[1])
    order, starts = np.empty(widest, np.int64), np.empty(steps + 1, np.int64)
    error, before = np.empty(widest), np.empty(widest)
    kept = 1.0  # c
    for n in range(len(labels)):
        fired = 0
        for layer in range(len(weights)):
            level = threshold / factors[layer] if binary else threshold / kept
            fired = sort_times(times[layer][n], steps, order, starts)
            cross_one(weights[layer], times[layer][n], order, fired, level, steps, binary, times[layer + 1][n])
        answers = times[-1][n]
        first = answers.min()
        until = steps - BEFORE_END if first == steps else first - 1
        for o in range(len(answers)):
            target = _target(answers[o], o == labels[n], first, steps, gamma, gamma_silent)
            error[o] = (target - answers[o]) / steps
            potentials[n, o] = 0.0
            for i in range(len(times[-2][n])):
                if times[-2][n, i] <= until:
                    w = weights[-1][o, i]
                    potentials[n, o] += np.sign(w) if binary else kept * w
        after = kept * (1.0 - lr * decay)
        for layer in range(len(weights) - 1, -1, -1):
            w = weights[layer]
            size = np.sqrt(np.square(error[: len(w)]).sum())
            if size > 0.0:
                error[: len(w)] /= size
            found = _update(w, times[layer][n], times[layer + 1][n], error, before, lr / kept, after, binary, layer > 0)
            if binary:
                factors[layer] -= factor_lr * found / w.size
            error, before = before, error
        kept = after
        if kept < 0.5 or (n + 1 == len(labels) and kept < 1.0):
            for w in weights:
                w[:] = w * kept  # in double precision
            kept = 1.0


@njit(cache=True, nogil=True)
def _target(t, is_label, first, steps, gamma, gamma_silent):
    if first == steps:
        return steps - gamma_silent if is_label else steps
    if is_label:
        return first
    return min(first + gamma, steps) if t - first < gamma else t


@njit(cache=True, nogil=True)
def _update(w, times, found, error, before, lr, kept, binary, backwards):
    """Change the array of one layer, whose weights are `kept` times the array, and write the errors of its inputs to `before`.

    It returns the sum for BS4NN's factor.
    """
    step = np.empty(1, w.dtype)  # an array of the precision of the weights; with a plain number, numba would compute in float64
    before[: w.shape[1]] = 0.0
    signs = 0.0
    for o in range(w.shape[0]):
        row, t, e = w[o], found[o], error[o]
        step[0] = lr * e
        for i in range(len(row)):
            row[i] -= step[0] if times[i] < t else 0
        if e == 0.0:
            continue
        if binary:
            balance = np.int32(0)  # positive minus negative weights, of the inputs that fired before
            for i in range(len(row)):
                balance += np.int32(np.int32(row[i] > 0) - np.int32(row[i] < 0)) * np.int32(times[i] < t)
            signs += e * balance
        if backwards:
            for i in range(len(row)):
                before[i] += e * kept * row[i] if times[i] < t else 0.0
    return signs

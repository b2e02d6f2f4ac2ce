"""Finds spike times, and adds up gradients, for all samples and neurons at once, by operations of torch.

On a GPU this takes the place of the compiled loops of `causal_set.py` and `crossing.py`, which run on the CPU. Inputs are
sorted by time, and cumulative sums give each neuron's potential after each input. Nothing waits for the GPU.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

AT_ONCE = 1 << 24
"""Largest number of values, samples x neurons x inputs, that are computed at the same time."""


def causal_times(weight: Tensor, activation: Tensor, reach: float, lost: float) -> tuple[Tensor, Tensor]:
    """Return when each neuron of a layer fires, and the slope of its potential then.

        t = (reach + sum over C of w_i t_i)/S        C = the inputs with t_i < t, S = sum over C of w_i - lost > 0

    Sums are of float64, as in the loop. Times are given and returned as activations `a = 1 - t`.

    Shape:
        weight `[O, I]` and activations `[N, I]` to two tensors `[N, O]`. Where a neuron does not fire, its activation is `-inf`
        and its slope 1.

    Example:
        >>> weight, t = torch.tensor([[1.0, 1.0]]), torch.tensor([[0.25, 5.0]])
        >>> [found.item() for found in causal_times(weight, 1 - t, 1.0, 0.0)]     # the second input comes too late to count
        [-0.25, 1.0]
    """
    a, order = activation.double().sort(dim=1, descending=True)
    start = (1 - a)[..., None]
    after = torch.cat([start[:, 1:], start.new_full((len(a), 1, 1), torch.inf)], 1)
    fires = start < torch.inf
    level_of = torch.where(fires, start, 0.0)
    found = []
    for rows in sorted_weights(weight.double(), order):
        rows = torch.where(fires, rows, 0.0)
        total, level = rows.cumsum(1) - lost, (rows * level_of).cumsum(1)
        time = (reach + level) / total
        reached = fires & (after > start) & (total > 0) & (time <= after)
        found.append((picked(time, reached, torch.inf), picked(total, reached, 1.0)))
    times, slopes = (torch.cat(parts, 1) for parts in zip(*found, strict=True))
    return (1 - times).to(activation.dtype), slopes.to(activation.dtype)


def causal_gradients(weight: Tensor, activation: Tensor, out: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of weights and activations.

        dL/dw_i = sum over samples of flow (a_i - a)        dL/da_i = sum over neurons of flow w_i        for i with a_i > a

    Shape:
        weight `[O, I]`, activations `[N, I]`, the neurons' own activations and `flow` `[N, O]` to `[O, I]` and `[N, I]`.
    """

    def earlier(part: slice) -> Tensor:
        return activation[:, None] - out[:, part, None]  # above 0 if the input comes before the spike

    return gradients(weight, flow, lambda part: earlier(part) > 0, earlier)


def crossing_steps(weight: Tensor, times: Tensor, threshold: float | Tensor, steps: int) -> Tensor:
    """Return the step at which each neuron fires: one after its potential has risen above the threshold.

    Shape:
        weight `[O, I]` and whole times `[N, I]`, `steps` for an input that does not fire, to whole times `[N, O]`.

    Example:
        >>> weight, times = torch.tensor([[3.0, 4.0]]), torch.tensor([[2, 6]])
        >>> [crossing_steps(weight, times, threshold, 8).item() for threshold in (2.0, 5.0, 9.0)]
        [3, 7, 8]
    """
    start, order = times.sort(dim=1)
    start = start[..., None]
    after = torch.cat([start[:, 1:], torch.full_like(start[:, :1], steps)], 1)
    fires, last = start < steps, after > start  # `last` of the inputs of its step
    found = []
    for rows in sorted_weights(weight.double(), order):
        level = torch.where(fires, rows, 0.0).cumsum(1)
        found.append(picked((start + 1).expand(level.shape), fires & last & (level > threshold), steps))
    return torch.cat(found, 1)


def crossing_gradients(weight: Tensor, times: Tensor, found: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sums of S4NN's rule.

        dw_i = sum over samples of grad        da_i = sum over neurons of grad w_i        for i with t_i < t

    Shape:
        weight `[O, I]`, times `[N, I]`, the neurons' own times and `grad` `[N, O]` to `[O, I]` and `[N, I]`.
    """
    return gradients(weight, grad, lambda part: times[:, None] < found[:, part, None], lambda part: 1.0)


def gradients(
    weight: Tensor, grad: Tensor, before: Callable[[slice], Tensor], share: Callable[[slice], Tensor | float]
) -> tuple[Tensor, Tensor]:
    """Add up `grad * share` over samples, and `grad * weight` over neurons, where an input comes `before` the spike.

    Both functions get a part of the neurons and return `[N, O, I]`, or one number. Products are added without a matrix product,
    which a GPU may round to TF32.
    """
    grad_w, grad_a = torch.zeros_like(weight), grad.new_zeros(len(grad), weight.shape[1])
    for part in parts(len(grad), *weight.shape):
        flow = torch.where(before(part), grad[:, part, None], 0.0)
        grad_a += (flow * weight[part]).sum(1)
        grad_w[part] = torch.where(flow != 0, flow * share(part), 0.0).sum(0)  # a silent input's share is infinite
    return grad_w, grad_a


def sorted_weights(weight: Tensor, order: Tensor) -> Iterator[Tensor]:
    """Yield the weights in the order of each sample's inputs, `[N, I, O]`, for a few neurons at a time."""
    for part in parts(len(order), *weight.shape):
        yield weight[part].T[order]


def parts(samples: int, neurons: int, inputs: int) -> Iterator[slice]:
    """Yield slices of the neurons that need at most `AT_ONCE` values, or of one neuron.

    Example:
        >>> [*parts(1 << 12, 5, 1 << 11)]
        [slice(0, 2, None), slice(2, 4, None), slice(4, 6, None)]
    """
    many = max(1, AT_ONCE // max(1, samples * inputs))
    return (slice(first, first + many) for first in range(0, neurons, many))


def picked(value: Tensor, reached: Tensor, otherwise: float) -> Tensor:
    """Return the value at the first input at which something is reached, `[N, I, O]` to `[N, O]`."""
    first = reached.to(torch.int8).argmax(1, keepdim=True)
    return torch.where(reached.any(1), value.gather(1, first)[:, 0], otherwise)

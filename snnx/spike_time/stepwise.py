"""Simulates one layer of neurons that fire at most once, step by step; tests compare the closed form with it."""

import torch
from torch import Tensor

SILENT = float("nan")


def stepwise(weight: Tensor, times: Tensor, steps: int, *, fire_at_end: bool = False) -> Tensor:
    """Return the first of `steps` time steps in the layer's window at which the potential has reached the falling threshold.

        V(t) = sum over inputs that fired of w_i (t - t_i)         t = 1, 1 + 1/steps, ..., 2 from the window of the inputs
        theta(t) = 2 - t
        t_j = first t with V(t) >= theta(t), minus 1               without `fire_at_end` no spike where V = 0 at t = 2

    Potential and threshold are computed at every step in float64; no equation is solved.

    Shape:
        weight `[O, I]` and times `[B, I]` to `[B, O]`; NaN means that an input or neuron does not fire.

    Args:
        weight: weights of the layer.
        times: spike times of its inputs within their window, in [0, 1].
        steps: number of steps in a window, at least 1; the result is late by less than `1/steps`.
        fire_at_end: see `DynamicThreshold`.

    Raises:
        ValueError: `steps` is below 1, or a time is outside the window.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Eqs 2 to 5; its VGG-16 has 16 windows of 10
        steps.

    Example:
        >>> stepwise(torch.tensor([[0.5, 0.8]]), torch.tensor([[0.2, 0.6]]), 10)      # exactly: 0.1217
        tensor([[0.2000]], dtype=torch.float64)
    """
    if steps < 1:
        raise ValueError(f"stepwise: steps must be at least 1; got {steps}")
    weight, times = weight.double(), times.double()
    fired = ~times.isnan()
    if not bool(((times >= 0) & (times <= 1))[fired].all()):
        raise ValueError(f"stepwise: times must be in [0, 1], or NaN; got {times[fired].min():g} to {times[fired].max():g}")
    found = torch.full((len(times), len(weight)), SILENT, dtype=torch.float64)
    for step in range(steps + 1):
        t = 1 + step / steps
        potential = torch.where(fired, t - times, 0.0) @ weight.T
        reached = potential >= 2 - t
        if step == steps and not fire_at_end:
            reached &= potential > 0
        found = torch.where(found.isnan() & reached, step / steps, found)
    return found

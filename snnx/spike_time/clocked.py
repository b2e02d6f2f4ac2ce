"""Computes spike times on hardware that compares potential and threshold only at time steps."""

import torch
from torch import Tensor


def clocked(sums: Tensor, steps: int, *, fire_at_end: bool) -> Tensor:
    """Return the same as `ClosedForm`, but with spikes at the first time step at which the potential has reached the threshold.

        V(k) = P + W k/steps        theta(k) = 1 - k/steps        k = 0, 1, ..., steps
        a = theta(k) of the first k with V(k) >= theta(k)         at k = steps, where theta = 0, see `fire_at_end`

    Shape:
        `[2, B, *]`, the sums W and P, to `[2, B, *]`, m and a.

    Args:
        sums: W and P, as in `ClosedForm`.
        steps: number of steps in a window, at least 1; a spike is late by less than `1/steps`.
        fire_at_end: see `DynamicThreshold`.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Eqs 2 to 5, and its inference in time steps.

    Example:
        >>> clocked(torch.tensor([[1.3], [0.72]]), 10, fire_at_end=False).flatten().tolist()      # exactly: a = 0.878
        [1.0, 0.800...]
    """
    slope, level = sums
    out = torch.zeros_like(sums)
    fired, activation = out
    for step in range(steps + 1):
        potential, threshold = level + slope * (step / steps), 1 - step / steps
        reached = potential >= threshold if step < steps or fire_at_end else potential > 0
        activation.copy_(torch.where(reached & (fired == 0), threshold, activation))
        fired.masked_fill_(reached, 1)
    return out

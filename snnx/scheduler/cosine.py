"""Cosine decay of the learning rate, after an optional linear warm-up."""

import math

from snnx.scheduler.decay import Decay


class Cosine(Decay):
    """Multiplies the learning rate by a factor that falls along a cosine; it is stepped after every batch.

        factor[n] = start + (1 - start) * n/W                                      n < W = warmup * total_steps
        factor[n] = end + (1 - end) * (1 + cos(pi * (n - W)/(total_steps - W)))/2  n >= W

    Args:
        optimizer, total_steps, warmup, start, end: see `Decay`.

    Raises:
        ValueError: `warmup` is outside [0, 1).

    Source: Loshchilov and Hutter, SGDR, 2017, Eq 5 without restarts; the warm-up is Goyal et al., 2017.

    Example:
        >>> import torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = Cosine(optimizer, 4)
        >>> rates = []
        >>> for _ in range(4):
        ...     optimizer.step(); schedule.step(); rates.append(round(schedule.get_last_lr()[0], 4))
        >>> rates
        [0.8536, 0.5, 0.1464, 0.0]
    """

    def shape(self, progress: float) -> float:
        return (1 + math.cos(math.pi * progress)) / 2

"""Cosine decay of the learning rate, after an optional linear warm-up."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


class Cosine(LambdaLR):
    """Multiplies the learning rate by a factor that falls along a cosine; it is stepped after every batch.

        factor[n] = start + (1 - start) * n/W                                      n < W = warmup * total_steps
        factor[n] = end + (1 - end) * (1 + cos(pi * (n - W)/(total_steps - W)))/2  n >= W

    Args:
        optimizer: the optimizer whose learning rates it sets.
        total_steps: number of batches in the whole training.
        warmup: share of the steps in which the factor rises linearly from `start` to 1, in [0, 1).
        start: factor at the first step of the warm-up.
        end: factor at the end of the training.

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

    def __init__(
        self, optimizer: Optimizer, total_steps: int, *, warmup: float = 0.0, start: float = 0.0, end: float = 0.0
    ) -> None:
        if not 0 <= warmup < 1:
            raise ValueError(f"{type(self).__name__}: warmup must be a share of the steps in [0, 1); got {warmup}")
        warm = warmup * total_steps

        def factor(step: int) -> float:
            if step < warm:
                return start + (1 - start) * step / warm
            progress = min(1.0, (step - warm) / max(1.0, total_steps - warm))
            return end + (1 - end) * (1 + math.cos(math.pi * progress)) / 2

        super().__init__(optimizer, factor)

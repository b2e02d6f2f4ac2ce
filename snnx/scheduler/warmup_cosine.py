"""Cosine decay of the learning rate, by default after a linear warm-up."""

from torch.optim import Optimizer

from snnx.scheduler.cosine import Cosine


class WarmupCosine(Cosine):
    """`Cosine` with a warm-up over the first 5 % of the steps, as a separate option that recipes can choose by name.

    Args:
        optimizer, total_steps, warmup, start, end: see `Cosine`.

    Raises:
        ValueError: `warmup` is outside [0, 1).

    Example:
        >>> import torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = WarmupCosine(optimizer, 40)
        >>> rates = []
        >>> for _ in range(3):
        ...     optimizer.step(); schedule.step(); rates.append(round(schedule.get_last_lr()[0], 4))
        >>> rates
        [0.5, 1.0, 0.9983]
    """

    def __init__(
        self, optimizer: Optimizer, total_steps: int, *, warmup: float = 0.05, start: float = 0.0, end: float = 0.0
    ) -> None:
        super().__init__(optimizer, total_steps, warmup=warmup, start=start, end=end)

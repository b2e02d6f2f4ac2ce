"""Linear decay of the learning rate, after an optional linear warm-up; with a long warm-up it is one cycle."""

from snnx.scheduler.decay import Decay


class Linear(Decay):
    """Multiplies the learning rate by a factor that falls linearly; it is stepped after every batch.

        factor[n] = start + (1 - start) * n/W                               n < W = warmup * total_steps
        factor[n] = end + (1 - end) * (1 - (n - W)/(total_steps - W))       n >= W

    Args:
        optimizer, total_steps, warmup, start, end: see `Decay`.

    Raises:
        ValueError: `warmup` is outside [0, 1).

    Example:
        >>> import torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = Linear(optimizer, 5, warmup=0.2)
        >>> rates = []
        >>> for _ in range(5):
        ...     optimizer.step(); schedule.step(); rates.append(round(schedule.get_last_lr()[0], 4))
        >>> rates
        [1.0, 0.75, 0.5, 0.25, 0.0]
    """

    def shape(self, progress: float) -> float:
        return 1 - progress

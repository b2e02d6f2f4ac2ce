"""The interface that every option of the group `scheduler` follows."""

from typing import Protocol

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


class MakesSchedule(Protocol):
    """A callable that makes a schedule of learning rates for an optimizer; a class, or a `partial` of one.

    The schedule is stepped after every batch, so `total_steps` times in a training. Its settings are shares of the training and
    not numbers of epochs; a shorter training then has a schedule of the same form. A checkpoint contains `state_dict()`, with
    which a resumed run continues at the same rates.

    Example:
        >>> import torch
        >>> from torch.optim.lr_scheduler import LambdaLR
        >>> class Falling(LambdaLR):                            # lr[n] = lr[0] * (1 - n/N)
        ...     def __init__(self, optimizer, total_steps):
        ...         super().__init__(optimizer, lambda step: 1 - step / total_steps)
        >>> makes: MakesSchedule = Falling
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = makes(optimizer, 4)
        >>> optimizer.step(); schedule.step(); schedule.get_last_lr()
        [0.75]
    """

    def __call__(self, optimizer: Optimizer, total_steps: int) -> LRScheduler:
        """Make the schedule.

        Args:
            optimizer: the optimizer whose learning rates it sets, with all its parameter groups.
            total_steps: number of batches in the whole training, at least 1.
        """

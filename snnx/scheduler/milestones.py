"""A learning rate that drops at given shares of the training."""

from collections.abc import Sequence

from torch.optim import Optimizer
from torch.optim.lr_scheduler import MultiStepLR


class Milestones(MultiStepLR):
    """Multiplies the learning rate by `gamma` at each milestone; it is stepped after every batch.

        lr[n] = lr[0] * gamma^(number of milestones m with n >= m * total_steps)

    Milestones are shares of the training and not epochs, so that a shorter training has a schedule of the same form.

    Args:
        optimizer: the optimizer whose learning rates it sets.
        total_steps: number of batches in the whole training.
        at: milestones, each a share of the training in (0, 1).
        gamma: factor applied at each milestone.

    Raises:
        ValueError: a milestone is outside (0, 1).

    Example:
        >>> import torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = Milestones(optimizer, 4, at=[0.5], gamma=0.1)
        >>> rates = []
        >>> for _ in range(4):
        ...     optimizer.step(); schedule.step(); rates.append(round(schedule.get_last_lr()[0], 4))
        >>> rates
        [1.0, 0.1, 0.1, 0.1]
    """

    def __init__(self, optimizer: Optimizer, total_steps: int, *, at: Sequence[float], gamma: float = 0.1) -> None:
        if not all(0 < share < 1 for share in at):
            raise ValueError(f"Milestones: at must contain shares of the training in (0, 1); got {list(at)}")
        super().__init__(optimizer, [round(share * total_steps) for share in at], gamma)

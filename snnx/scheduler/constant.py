"""A constant learning rate."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


class Constant(LambdaLR):
    """Keeps the learning rate, `lr[n] = lr[0]`.

    Args:
        optimizer: the optimizer whose learning rates it keeps.
        total_steps: not used; every schedule receives it.

    Example:
        >>> import torch
        >>> Constant(torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5), 10).get_last_lr()
        [0.5]
    """

    def __init__(self, optimizer: Optimizer, total_steps: int) -> None:
        super().__init__(optimizer, lambda step: 1.0)

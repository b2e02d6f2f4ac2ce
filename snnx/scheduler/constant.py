"""A learning rate that stays as it is."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


class Constant(LambdaLR):
    """`lr[n] = lr[0]`; `total_steps` is what every schedule is given and this one does not need.

    Example:
        >>> import torch
        >>> Constant(torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5), 10).get_last_lr()
        [0.5]
    """

    def __init__(self, optimizer: Optimizer, total_steps: int) -> None:
        super().__init__(optimizer, lambda step: 1.0)

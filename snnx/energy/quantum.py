"""The unit that graded spikes are multiples of."""

import torch
from torch import Tensor

LEVELS = 1024  # multiples of a unit that still are spikes; 64 for the mean of an 8x8 map
ROUNDING = 1e-5  # of the largest value


def quantum(values: Tensor) -> Tensor:
    """The greatest common divisor of the absolute values of each row, 0 where all are 0; below `max/LEVELS` there is none.

        gcd(a, b) = a if b = 0 else gcd(b, |a - b * round(a / b)|)

    Shape:
        `[C, N]` to `[C]`.

    Example:
        >>> quantum(torch.tensor([[0.0, 0.5, 0.75], [0.3, -0.3, 0.0], [0.0, 0.0, 0.0]])).tolist()
        [0.25, 0.300000..., 0.0]
    """
    rows = values.abs().double()
    least = ROUNDING * rows.amax(1, keepdim=True)
    while rows.shape[1] > 1:
        if rows.shape[1] % 2:
            rows = torch.cat([rows, torch.zeros_like(rows[:, :1])], dim=1)
        a, b = rows.chunk(2, dim=1)
        while bool((b > 0).any()):
            left = (a - b * (a / b).nan_to_num(0, 0, 0).round()).abs()
            left = torch.where(left <= least, 0.0, left)
            a, b = torch.where(b > 0, b, a), torch.where(b > 0, left, 0.0)
        rows = a
    return rows[:, 0]

"""Finds the unit of which graded spikes are multiples."""

import torch
from torch import Tensor

LEVELS = 1024  # inputs of more units than this are values, not spikes; the mean of an 8x8 map has 64
ROUNDING = 1e-5  # a remainder below this share of the largest value is a rounding error


def quantum(values: Tensor) -> Tensor:
    """Return the greatest common divisor of the absolute values of each row; 0 if all are 0.

        gcd(a, b) = a if b = 0 else gcd(b, |a - b * round(a / b)|)

    A result below `max/LEVELS` means that the values have no common unit.

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

"""Whether two results are equal up to rounding."""

import torch
from torch import Tensor


def close(first: Tensor, second: Tensor) -> bool:
    """Return whether two tensors have the same shape and, up to rounding, the same values.

    Rounding can differ if a batch has another size, because sums are then computed in another order.

    Example:
        >>> close(torch.ones(2), torch.ones(2) + 1e-6), close(torch.ones(2), torch.ones(3))
        (True, False)
    """
    return first.shape == second.shape and torch.allclose(first.double(), second.double(), rtol=1e-4, atol=1e-5)

"""Converts a tensor to an array for compiled loops."""

import numpy as np
import torch
from torch import Tensor


def as_array(x: Tensor) -> np.ndarray:
    """Return the values of a tensor as an array on the CPU, in float32 or float64.

    Example:
        >>> as_array(torch.tensor([1.5], dtype=torch.bfloat16)).dtype
        dtype('float32')
    """
    return x.detach().to("cpu", torch.promote_types(x.dtype, torch.float32)).contiguous().numpy()

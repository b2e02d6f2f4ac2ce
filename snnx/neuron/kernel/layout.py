"""The order in which the values of a sequence lie in memory, which a kernel keeps, as in channels_last."""

import torch
from torch import Tensor


def dense(x: Tensor) -> bool:
    """Whether the values of one step fill a piece of memory without gaps, in any order."""
    expected = 1
    for stride, size in sorted(zip(x.stride()[1:], x.shape[1:], strict=True)):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True


def like(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Return an empty tensor whose steps lie in memory as those of `x`, one after another."""
    return torch.empty_strided(x.shape, (x[0].numel(), *x.stride()[1:]), dtype=dtype, device=x.device)


def like_step(x: Tensor) -> Tensor:
    """Return an empty float32 tensor that lies in memory as one step of `x`."""
    return torch.empty_strided(x.shape[1:], x.stride()[1:], dtype=torch.float32, device=x.device)


def arranged(value: Tensor, strides: tuple[int, ...]) -> Tensor:
    """Return a tensor with these values and strides: the given one if it has these strides, else a copy."""
    if value.stride() == strides:
        return value
    return torch.empty_strided(value.shape, strides, dtype=value.dtype, device=value.device).copy_(value)

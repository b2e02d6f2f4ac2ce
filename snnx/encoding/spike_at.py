"""Turns spike times into spike trains."""

import torch
from torch import Tensor


def spike_at(times: Tensor, timesteps: int) -> Tensor:
    """Return spike trains in which each entry fires at its time.

        S[t] = 1[times == t],  t = 0 .. T-1

    A time that is not one of the T steps, such as -1 or infinity, gives no spike.

    Shape:
        `[*]` to `[T, *]`, in the dtype of `times`.

    Args:
        times: whole numbers in a floating dtype.
        timesteps: number of steps T.

    Example:
        >>> spike_at(torch.tensor([0.0, 2.0, -1.0]), timesteps=3).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    steps = torch.arange(timesteps, dtype=times.dtype, device=times.device)
    return (steps.view(-1, *[1] * times.ndim) == times).to(times.dtype)

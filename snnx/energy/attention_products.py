"""Counts the additions of the two matrix products in spiking attention."""

from torch import Tensor


def products(scores: Tensor, denoised: Tensor, v: Tensor) -> Tensor:
    """Return the additions of `A = q k^T` and of `A' v` for each step and sample; a factor of 0 causes none.

        additions[t, b] = sum over h, i, j of A[i, j]  +  sum over h, i, j, d of A'[i, j] * v[j, d]

    For binary q and k, a score is the number of channels in which both fire, and therefore the number of additions that give
    it. A score of n that is multiplied by a spike of v counts as n additions, like any graded spike.

    Shape:
        scores `[T, B, h, N, N]` and v `[T, B, N, D]` to `[T, B]`.

    Args:
        scores, denoised: A and A', the scores before and after the denoiser.
        v: values, 0 or 1.

    Example:
        >>> import torch
        >>> scores = torch.tensor([[2.0, 0.0], [1.0, 1.0]]).view(1, 1, 1, 2, 2)
        >>> v = torch.tensor([[1.0, 1.0], [0.0, 1.0]]).view(1, 1, 2, 2)
        >>> products(scores, scores, v).item()                  # 4 for A; 3 * 2 spikes + 1 * 1 spike for A' v
        11.0
    """
    heads = scores.shape[2]
    fired = v.unflatten(-1, (heads, -1)).sum(-1).transpose(-2, -1)  # [T, B, h, N]
    return scores.double().sum((2, 3, 4)) + (denoised.double().sum(-2) * fired).sum((2, 3))

"""Additions of the two products of an attention of spikes."""

from torch import Tensor


def products(scores: Tensor, denoised: Tensor, v: Tensor) -> Tensor:
    """`[T, B]`: additions of `A = q k^T` and of `A' v`, where both factors are not 0.

        sum of A[i, j]  +  sum of A'[i, j] * v[j, d]

    Of binary q and k a score is the number of places where both fire, so that many additions made it; a score of n that meets a
    spike of v is n more, as any graded spike.

    Args:
        scores, denoised: A and A', `[T, B, h, N, N]`.
        v: binary, `[T, B, N, D]`.

    Example:
        >>> import torch
        >>> scores = torch.tensor([[2.0, 0.0], [1.0, 1.0]]).view(1, 1, 1, 2, 2)
        >>> v = torch.tensor([[1.0, 1.0], [0.0, 1.0]]).view(1, 1, 2, 2)
        >>> products(scores, scores, v).item()                  # 4 for A; 3 scores meet two spikes, 1 meets one
        11.0
    """
    heads = scores.shape[2]
    fired = v.unflatten(-1, (heads, -1)).sum(-1).transpose(-2, -1)  # [T, B, h, N]
    return scores.double().sum((2, 3, 4)) + (denoised.double().sum(-2) * fired).sum((2, 3))

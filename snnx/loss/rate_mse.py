"""Mean squared error between rates and the one-hot target."""

from torch import Tensor, nn
from torch.nn import functional as F


class RateMSE(nn.Module):
    """`L = mean over b, k of (score[b, k] - 1[k = label[b]])^2`: scores are read as firing rates.

    Shape:
        scores `[B, K]` and labels `[B]` (or probabilities `[B, K]`) to a scalar.

    Source: Wu et al., STBP, 2018.

    Example:
        >>> import torch
        >>> RateMSE()(torch.tensor([[0.5, 0.5]]), torch.tensor([1])).item()
        0.25
    """

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        target = F.one_hot(labels, scores.shape[1]).to(scores) if labels.ndim == 1 else labels
        return F.mse_loss(scores, target)

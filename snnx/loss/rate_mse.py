"""Mean squared error between firing rates and the one-hot label."""

from torch import Tensor, nn
from torch.nn import functional as F


class RateMSE(nn.Module):
    """Compares each score, read as a firing rate, with 1 for the label's class and 0 for the others.

        L = mean over b, k of (score[b, k] - target[b, k])^2,   target[b, k] = 1 if k = label[b] else 0

    If labels are probabilities, they are the target. `decoding=spike_count decoding.rate=true` gives scores that are rates.

    Shape:
        scores `[B, K]` and labels `[B]` (or probabilities `[B, K]`) to a scalar.

    Source: Wu et al., STBP, 2018; the mean over samples and classes is that of the authors' code.

    Example:
        >>> import torch
        >>> RateMSE()(torch.tensor([[0.5, 0.5]]), torch.tensor([1])).item()
        0.25
    """

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        target = F.one_hot(labels, scores.shape[1]).to(scores) if labels.ndim == 1 else labels
        return F.mse_loss(scores, target)

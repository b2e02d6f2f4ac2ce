"""The loss of temporal efficient training, which compares the scores of every time step with the label."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class TET(nn.Module):
    """The cross entropy of every time step, averaged, plus the mean squared distance of all scores from the number `means`.

        L = (1 - lambda_mse) * mean over t of CE(y[t], label) + lambda_mse * mean over t, b, k of (y[t, b, k] - means)^2

    Shape:
        outputs `[T, B, K]` and labels `[B]` (or probabilities `[B, K]`) to a scalar.

    Args:
        lambda_mse: lambda, the share of the second term, in [0, 1].
        means: the number from which the second term measures; the authors use the threshold of the neurons.

    Raises:
        ValueError: `lambda_mse` is not in [0, 1].

    Source: Deng et al., Temporal Efficient Training of Spiking Neural Network via Gradient Re-weighting, 2022, and the authors'
        code, brain-intelligence-lab/temporal_efficient_training, `functions.py`. Its scripts have lambda 0.001 (event data)
        and 0.0001 (ImageNet).

    Example:
        >>> outputs = torch.tensor([[[1.0, 1.0]], [[1.0, 3.0]]])     # two steps: CE is ln 2 and ln(1 + e^-2)
        >>> labels = torch.tensor([1])
        >>> round(TET(lambda_mse=0.0)(outputs, labels).item(), 4), TET(lambda_mse=1.0)(outputs, labels).item()
        (0.41, 1.0)
    """

    every_step = True

    def __init__(self, *, lambda_mse: float = 1e-3, means: float = 1.0) -> None:
        super().__init__()
        if not 0 <= lambda_mse <= 1:
            raise ValueError(f"TET: lambda_mse must be in [0, 1]; got {lambda_mse}")
        self.lambda_mse, self.means = float(lambda_mse), float(means)

    def forward(self, outputs: Tensor, labels: Tensor) -> Tensor:
        cross_entropy = torch.stack([F.cross_entropy(scores, labels) for scores in outputs]).mean()
        return (1 - self.lambda_mse) * cross_entropy + self.lambda_mse * (outputs - self.means).square().mean()

    def extra_repr(self) -> str:
        return f"lambda_mse={self.lambda_mse:g}, means={self.means:g}"

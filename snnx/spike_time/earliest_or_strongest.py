"""Computes scores from spike times in whole steps, where several classes often fire at the same step."""

from torch import Tensor, nn


class EarliestOrStrongest(nn.Module):
    """Scores a class by how early its neuron fires; of equally early classes, the one with the higher potential wins.

        score = -t + (rank of the potential, from 0 to K - 1)/K             t in steps

    So every sample gets one class. The potentials are those of `StepLayer`. If no neuron fires, all are equally early.

    Shape:
        `[3, B, K]` to `[B, K]`.

    Args:
        steps: number of time steps.

    Source: ours. In the code of S4NN and BS4NN, a sample counts as right if the label is among the earliest classes, and the
        highest potential names the class only if none fires.

    Example:
        >>> import torch
        >>> t, v = torch.tensor([[8.0, 7.0, 7.0]]), torch.tensor([[9.0, 1.0, 4.0]])
        >>> EarliestOrStrongest(steps=10)(torch.stack([torch.ones(1, 3), 1 - t / 10, v])).tolist()
        [[-7.33..., -7.0, -6.66...]]
    """

    def __init__(self, *, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def forward(self, y: Tensor) -> Tensor:
        rank = y[2].argsort(1).argsort(1)
        return rank / y.shape[2] - ((1 - y[1]) * self.steps).round()

    def fired(self, y: Tensor) -> Tensor:
        """Return which neurons fire, `[B, K]`, as 0 and 1."""
        return y[0]

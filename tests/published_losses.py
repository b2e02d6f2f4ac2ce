"""A published loss over all time steps, written as a user would, to show that the group `loss` supports such losses."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class TET(nn.Module):
    """TET (Deng et al., 2022): `L = (1 - lambda) * mean over t of CE(y[t], label) + lambda * mean of (y - means)^2`."""

    every_step = True

    def __init__(self, *, lambda_mse: float = 0.05, means: float = 1.0) -> None:
        super().__init__()
        self.lambda_mse, self.means = lambda_mse, means

    def forward(self, outputs: Tensor, labels: Tensor) -> Tensor:
        ce = torch.stack([F.cross_entropy(y, labels) for y in outputs]).mean()
        return (1 - self.lambda_mse) * ce + self.lambda_mse * (outputs - self.means).square().mean()

"""The sum of the currents that the output spikes cause as scores."""

from math import inf

import torch
from torch import Tensor, nn


class PSCSum(nn.Module):
    """Adds up the post-synaptic currents of the outputs, in which early spikes count more since they act for more steps.

        score[b, k] = sum over t of a[t, b, k],    a[t] = a[t-1] + (y[t] - a[t-1])/tau_s
                    = sum over t of (1 - (1 - 1/tau_s)^(T - t)) * y[t, b, k],    t = 0, .. T-1

    Shape:
        `[T, B, K]` to `[B, K]`. With fewer steps it returns the score after these steps.

    Args:
        tau_s: time constant of the currents in steps, >= 1; 1 gives the sum of the outputs.

    Raises:
        ValueError: `tau_s` is below 1 or infinite.

    Source: Zhang and Li, TSSL-BP, 2020, and the authors' code, stonezwr/TSSL-BP, `main.py`.

    Example:
        >>> PSCSum(tau_s=2)(torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])).tolist()       # a: 0.5 0, and 0.25 0.5
        [[0.75, 0.5]]
    """

    def __init__(self, *, tau_s: float = 3.0) -> None:
        super().__init__()
        if not 1 <= float(tau_s) < inf:
            raise ValueError(f"PSCSum: tau_s must be at least 1 (in time steps) and finite; got {tau_s}")
        self.tau_s = float(tau_s)

    def weights(self, y: Tensor) -> Tensor:
        """Return the weight of each step of `y`, `[T]`."""
        left = torch.arange(len(y), 0, -1, dtype=y.dtype, device=y.device)
        return 1 - (1 - 1 / self.tau_s) ** left

    def forward(self, y: Tensor) -> Tensor:
        return torch.einsum("t,tbk->bk", self.weights(y), y)

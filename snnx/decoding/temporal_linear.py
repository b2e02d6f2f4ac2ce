"""A weighted sum of the outputs as scores, with weights that fall linearly over time."""

import torch
from torch import Tensor, nn


class TemporalLinear(nn.Module):
    """Weights early steps more, `score[b, k] = sum over t of (1 - t/T) * y[t, b, k]`; the last layer does not fire.

    Shape:
        `[T, B, K]` to `[B, K]`. With fewer than T steps it returns the score after these steps.

    Args:
        timesteps: number of steps T of a run, at least 1.

    Raises:
        ValueError: `timesteps` is below 1, or below the number of steps of the input.

    Source: ETTFS, section IV-C, which announces a comparison of linear and exponential weights.

    Example:
        >>> TemporalLinear(timesteps=4)(torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]], [[0.0, 0.0]], [[0.0, 1.0]]])).tolist()
        [[1.0, 1.0]]
    """

    def __init__(self, *, timesteps: int) -> None:
        super().__init__()
        if timesteps < 1:
            raise ValueError(f"TemporalLinear: timesteps must be at least 1; got {timesteps}")
        self.timesteps = timesteps

    def weights(self, y: Tensor) -> Tensor:
        """Return `1 - t/T` for each step of `y`, `[T]`."""
        if len(y) > self.timesteps:
            raise ValueError(f"TemporalLinear: timesteps must be at least the run's {len(y)} steps; got {self.timesteps}")
        return 1 - torch.arange(len(y), dtype=torch.float32, device=y.device) / self.timesteps

    def forward(self, y: Tensor) -> Tensor:
        return torch.einsum("t,tbk->bk", self.weights(y), y.float())

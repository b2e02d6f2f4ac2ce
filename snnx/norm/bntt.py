"""A batch norm for each time step."""

import torch
from torch import Tensor, nn

from snnx.norm.norm import Norm, require_steps


class BNTT(Norm):
    """Batch normalisation through time: each step has its own mean, variance and gain, and there is no shift.

        y[t] = gamma[t] * (x[t] - mean[t]) / sqrt(var[t] + eps)         mean[t] and var[t] over B and *

    Training starts with `gamma[t] = 1`. SpikingJelly's `BatchNormThroughTime` gives the same numbers. It counts the steps in a
    state that has to be reset, as neurons do; this one gets all steps at once.

    Shape:
        `[T, B, C, *]` to the same, with T = `timesteps`.

    Args:
        channels: number of channels C.
        timesteps: number of steps T, at least 1.
        eps: added to the variance, > 0.
        v_threshold, meets_sum: not used.

    Raises:
        ValueError: `timesteps` is below 1, `eps` is not positive, or the input has another number of steps.

    Source: Kim and Panda, Revisiting Batch Normalization for Training Low-Latency Deep Spiking Neural Networks From Scratch,
        2021, and the authors' code, Intelligent-Computing-Lab-Yale/BNTT-Batch-Normalization-Through-Time, `model.py`.

    Example:
        >>> x = torch.tensor([[[1.0], [3.0]], [[10.0], [30.0]]])        # means 2 and 20, deviations 1 and 10
        >>> BNTT(1, timesteps=2)(x).flatten().detach().round(decimals=3).tolist()
        [-1.0, 1.0, -1.0, 1.0]
    """

    def __init__(
        self,
        channels: int,
        *,
        timesteps: int,
        eps: float = 1e-4,
        v_threshold: float | None = 1.0,
        meets_sum: bool = False,
    ) -> None:
        super().__init__()
        if timesteps < 1:
            raise ValueError(f"BNTT: timesteps must be at least 1; got {timesteps}")
        if not eps > 0:
            raise ValueError(f"BNTT: eps must be positive; got {eps}")
        self.timesteps = timesteps
        self.steps = nn.ModuleList(_Step(channels, eps) for _ in range(timesteps))

    def forward(self, x: Tensor) -> Tensor:
        require_steps(self, len(x))
        return torch.stack([norm(x_t) for norm, x_t in zip(self.steps, x, strict=True)])


class _Step(nn.BatchNorm2d):
    """The norm of one step, `[B, C, *]`, without a shift."""

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__(channels, eps=eps)
        self.bias = None

    def _check_input_dim(self, x: Tensor) -> None:
        """Accept any number of dimensions, for which torch has separate classes."""

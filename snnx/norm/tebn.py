"""Batch norm over all time steps, with a learned factor for each step."""

from spikingjelly.activation_based.layer import TemporalEffectiveBatchNorm2d
from torch import Tensor

from snnx.norm.norm import Norm, require_steps


class TEBN(TemporalEffectiveBatchNorm2d, Norm):
    """Temporal effective batch norm: SpikingJelly's layer, for any number of dimensions.

        y[t] = p[t] * (gamma * (x[t] - mean) / sqrt(var + eps) + beta)          mean and var over T, B and *

    Training starts with `p[t] = 1`. The factors `p` are the parameter `scale`, which has T numbers.

    Shape:
        `[T, B, C, *]` to the same, with T = `timesteps`.

    Args:
        channels: number of channels C.
        timesteps: number of steps T, at least 1.
        v_threshold, meets_sum: not used.

    Raises:
        ValueError: `timesteps` is below 1, or the input has another number of steps.

    Source: Duan et al., Temporal Effective Batch Normalization in Spiking Neural Networks, 2022.

    Example:
        >>> import torch
        >>> norm = TEBN(1, timesteps=2)
        >>> norm.scale.data = torch.tensor([1.0, 3.0])
        >>> norm(torch.tensor([[[1.0]], [[3.0]]])).flatten().detach().round(decimals=3).tolist()       # x normalised: -1, 1
        [-1.0, 3.0]
    """

    def __init__(self, channels: int, *, timesteps: int, v_threshold: float | None = 1.0, meets_sum: bool = False) -> None:
        if timesteps < 1:
            raise ValueError(f"TEBN: timesteps must be at least 1; got {timesteps}")
        super().__init__(timesteps, channels)
        self.timesteps = timesteps

    def forward(self, x: Tensor) -> Tensor:
        require_steps(self, len(x))
        return super().forward(x)

    def _check_input_dim(self, x: Tensor) -> None:
        """Accept any number of dimensions, for which SpikingJelly has separate classes."""

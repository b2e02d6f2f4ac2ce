"""Weighted phase coding: the binary digits of a pixel, one per step."""

import torch
from torch import Tensor

from snnx.encoding.temporal import Temporal


class WeightedPhase(Temporal):
    """Encodes a pixel by its first K binary digits, the most significant first, repeated until T steps are full.

        level = floor(x * (1 - 2^-K) * 2^K)
        bit[t] = floor(level / 2^(K - 1 - k)) mod 2,  k = t mod K
        X[t] = bit[t] * 2^-(1 + k)     or bit[t], if apply_phase_weight is false

    Because of the factor 1 - 2^-K, x = 1 is allowed, which SpikingJelly's `WeightedPhaseEncoder` rejects. A spike at phase k
    means 2^-(1 + k); without this weight the network cannot tell digits apart.

    Shape:
        `[B, C, H, W]` to `[T, B, C, H, W]`.

    Args:
        timesteps: number of steps T, at least 1; if T < K, the least significant digits are left out.
        in_channels: number of channels C of the images.
        phases: number of digits K, 1 to 24, as many as a float32 has. With K = T one period fills the window.
        apply_phase_weight: whether each spike is multiplied by its weight.
        silent_value: value of the pixels that do not fire: 0, 1, or `None` if all may fire. All digits of a pixel of 0 are 0.

    Raises:
        ValueError: `timesteps` is below 1, `phases` is not in 1..24, `silent_value` is not allowed, or a value of x is outside
            [0, 1].

    Source:
        Kim et al. 2018, Deep neural networks with weighted spikes; Direct Training of Spiking Transformers, figure 2.

    Example:
        >>> phase = WeightedPhase(timesteps=3, in_channels=2, phases=2, apply_phase_weight=True, silent_value=0)
        >>> phase(torch.tensor([1.0, 0.4]).view(1, 2, 1, 1)).flatten(1).tolist()  # 1.0 is 11, 0.4 is 01 in binary
        [[0.5, 0.0], [0.25, 0.25], [0.5, 0.0]]
    """

    def __init__(
        self, *, timesteps: int, in_channels: int, phases: int, apply_phase_weight: bool, silent_value: int | None
    ) -> None:
        super().__init__(timesteps=timesteps, in_channels=in_channels, silent_value=silent_value)
        if not 1 <= phases <= 24:
            raise ValueError(f"WeightedPhase: phases must be between 1 and 24; got {phases}")
        self.phases = phases
        self.apply_phase_weight = apply_phase_weight

    def code(self, x: Tensor) -> Tensor:
        level = (x * (2**self.phases - 1)).int()
        phase = (torch.arange(self.timesteps, device=x.device) % self.phases).view(-1, *[1] * x.ndim)
        bits = (level >> (self.phases - 1 - phase).int()).bitwise_and_(1).to(x.dtype)
        return bits.mul_(0.5 ** (1 + phase)) if self.apply_phase_weight else bits

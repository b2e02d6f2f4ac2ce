"""Weighted phase coding: the binary digits of a pixel, one a step."""

import torch
from torch import Tensor

from snnx.encoding.temporal import Temporal


class WeightedPhase(Temporal):
    """The first K binary digits of a pixel, the heaviest first, over and over until T steps are full.

        level = floor(x * (1 - 2^-K) * 2^K)
        bit[t] = floor(level / 2^(K - 1 - k)) mod 2,  k = t mod K
        X[t] = bit[t] * 2^-(1 + k)     or bit[t], if apply_phase_weight is false

    The factor 1 - 2^-K makes room for x = 1, which SpikingJelly's `WeightedPhaseEncoder` refuses. A spike at phase k
    stands for 2^-(1 + k): without the weights the network sees bare digits and the code is lost.

    Shape:
        `[B, C, H, W] -> [T, B, C, H, W]`.

    Args:
        timesteps: T, at least 1; where T < K the lightest digits are cut off.
        in_channels: C.
        phases: K, 1 to 24, the digits that a float32 holds. K = T fills the window with one period.
        apply_phase_weight: multiply each spike by its weight.
        silent_value: 0, 1 or None: the intensity that does not fire; a pixel of 0 has no digits anyway.

    Raises:
        ValueError: `phases` is not in 1..24, or x leaves [0, 1].

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
            raise ValueError(f"WeightedPhase: phases must be 1 to 24; got {phases}")
        self.phases = phases
        self.apply_phase_weight = apply_phase_weight

    def code(self, x: Tensor) -> Tensor:
        level = (x * (2**self.phases - 1)).int()
        phase = (torch.arange(self.timesteps, device=x.device) % self.phases).view(-1, *[1] * x.ndim)
        bits = (level >> (self.phases - 1 - phase).int()).bitwise_and_(1).to(x.dtype)
        return bits.mul_(0.5 ** (1 + phase)) if self.apply_phase_weight else bits

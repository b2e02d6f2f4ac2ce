"""What is made of the two sums of the last layer: scores."""

import torch
from torch import Tensor, nn

from snnx.spike_time.clocked import clocked
from snnx.spike_time.closed_form import ClosedForm

LATE = 2.0


class EndMembrane(nn.Module):
    """`score = W + P`, the potential at the end of the last layer's window, which does not fire.

    Shape:
        `[2, B, K]` to `[B, K]`.

    Source: the code of Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold.

    Example:
        >>> EndMembrane()(torch.tensor([[[1.3]], [[0.72]]])).item()
        2.0...
    """

    def forward(self, y: Tensor) -> Tensor:
        return y.sum(0)


class SpikeTime(nn.Module):
    """`score = -t` of the last layer's spikes; a neuron that does not fire has `t = 2`, beyond the window's end at 1.

    Cross-entropy on it is Eq 8. The gradient of a silent neuron is 0, so a class that never fires cannot be learnt.

    Shape:
        `[2, B, K]` to `[B, K]`.

    Args:
        fire_at_end, clip, steps: see `DynamicThreshold`.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Eq 8; what stands for "never" is ours.

    Example:
        >>> SpikeTime()(torch.tensor([[[1.3, -2.0]], [[0.72, 0.0]]])).tolist()
        [[-0.121..., -2.0]]
    """

    def __init__(self, *, fire_at_end: bool = False, clip: float | None = None, steps: int | None = None) -> None:
        super().__init__()
        self.fire_at_end = fire_at_end
        self.clip = clip
        self.steps = steps

    def forward(self, y: Tensor) -> Tensor:
        if self.steps is None or self.training:
            fired, activation = ClosedForm.apply(y.float(), self.fire_at_end, self.clip)
        else:
            fired, activation = clocked(y.float(), self.steps, fire_at_end=self.fire_at_end)
        return torch.where(fired > 0, activation - 1, -LATE)

"""Computes scores from the two sums of the last layer."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from snnx.spike_time.clocked import clocked
from snnx.spike_time.closed_form import ClosedForm

LATE = 2.0  # spike time of a neuron that does not fire


class EndMembrane(nn.Module):
    """Takes the potential at the end of the last layer's window, `score = W + P`; the layer does not fire.

    Shape:
        `[2, B, K]` to `[B, K]`.

    Attributes:
        at: the time in the last window at which the potential is read.

    Source: `snn_directTrain_model.py` in the code of Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold; this
        file computes with spike times.

    Example:
        >>> EndMembrane()(torch.tensor([[[1.3]], [[0.72]]])).item()
        2.0...
    """

    at: ClassVar[float] = 1.0

    def forward(self, y: Tensor) -> Tensor:
        return y.sum(0)


class StartMembrane(nn.Module):
    """Takes the potential at the start of the last layer's window, `score = P`; the layer does not fire.

    These are the scores of the equivalent ANN, too, so a network that starts from the weights of one keeps its read-out.

    Shape:
        `[2, B, K]`, or `[1, B, K]` if the layer before it computed the potential already, to `[B, K]`.

    Attributes:
        at: the time in the last window at which the potential is read.

    Source: `proxy_ann_model.py` in the code of Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold; its
        training uses this file.

    Example:
        >>> StartMembrane()(torch.tensor([[[1.3]], [[0.75]]])).item()
        0.75
    """

    at: ClassVar[float] = 0.0

    def forward(self, y: Tensor) -> Tensor:
        return y[-1]


class SpikeTime(nn.Module):
    """Scores a class by how early its neuron fires: `score = -t`. The window ends at `t = 1`; a silent neuron has `t = 2`.

    Cross-entropy of these scores is Eq 8. A neuron that does not fire has the gradient 0, so a class whose neuron never fires
    cannot be learned.

    Shape:
        `[2, B, K]` to `[B, K]`.

    Args:
        fire_at_end, clip, steps: see `DynamicThreshold`.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Eq 8; the value 2 is our choice.

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

    def fired(self, y: Tensor) -> Tensor:
        """Return which neurons fire, `[B, K]`, as 0 and 1."""
        return (self(y) > -LATE).float()

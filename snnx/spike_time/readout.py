"""Computes scores from the two sums of the last layer."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from snnx.spike_time.clocked import clocked
from snnx.spike_time.closed_form import ClosedForm

LATE = 2.0  # spike time of a neuron that does not fire
NEVER = 1e5  # z of a neuron that does not fire, in the code of Zhou et al.


class EndMembrane(nn.Module):
    """Takes the potential at the end of the last layer's window, `score = W + P`; the layer does not fire.

    Shape:
        `[2, B, K]` to `[B, K]`.

    Attributes:
        at: the time in the last window at which the potential is read.

    Source: the code of Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, in the file that computes with
        times (`snn_directTrain_model.py`).

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

    Source: the code of Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, in the file that its training uses
        (`proxy_ann_model.py`).

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


class Earliest(nn.Module):
    """Scores a class by how early its neuron fires: `score = -z`; a neuron that does not fire has `z = 100,000`.

    Shape:
        `[2, B, K]` to `[B, K]`.

    Source: the cost of Zhou et al., 2021, is the cross entropy of these scores.

    Example:
        >>> Earliest()(torch.tensor([[[1.0, 0.0]], [[-2.0, -torch.inf]]])).tolist()
        [[-3.0, -100000.0]]
    """

    def forward(self, y: Tensor) -> Tensor:
        fired, activation = y
        return torch.where(fired > 0, (activation - 1).clamp(min=-NEVER), -NEVER)

    def fired(self, y: Tensor) -> Tensor:
        """Return which neurons fire, `[B, K]`, as 0 and 1."""
        return y[0]


class EarliestOrStrongest(nn.Module):
    """Scores a class by how early its neuron fires; of equally early ones, that with the higher potential comes first.

        score = -t + (rank of the potential, from 0 to K - 1)/K             t in steps

    So every sample gets one class. The potentials are those of `StepLayer`. If no neuron fires, all are equally early.

    Shape:
        `[3, B, K]` to `[B, K]`.

    Args:
        steps: number of time steps.

    Source: ours. In the code of S4NN and BS4NN, a sample counts as right if the label is among the earliest classes, and the
        highest potential names the class only if none fires.

    Example:
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

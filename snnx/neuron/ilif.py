"""The integer leaky integrate-and-fire neuron, which emits up to `levels` spikes at a step."""

from math import inf

from spikingjelly.activation_based.neuron import ILIFNode
from spikingjelly.activation_based.surrogate import MultiLevelSpikeCount


class ILIF(ILIFNode):
    """Leaky integrate and fire that is trained with whole numbers of spikes, and emits `k` of them as the number `k`.

        h[t] = (1 - 1/tau)*v[t-1] + x[t]
        s[t] = round(clamp(h[t]/v_threshold, 0, levels))            0, 1, .. levels
        v[t] = h[t] - v_threshold*s[t]
        ds/dh = 1/v_threshold where 0 <= h[t]/v_threshold <= levels, else 0

    On hardware, a step becomes `levels` steps with one spike or none. Metrics count a number `k` as `k` spikes, so a firing
    rate may exceed 1. The slope is a part of the neuron, so the group `surrogate` is not read. It is SpikingJelly's class,
    which does not show its potential: metrics that need it are refused.

    Shape:
        input current `[T, B, *]` to numbers of spikes of the same shape.

    Args:
        tau: membrane time constant in steps, > 1; 4/3 keeps a quarter of the potential.
        levels: largest number of spikes at a step, at least 1.
        v_threshold: potential that one spike stands for, > 0.
        detach_reset: whether the reset treats the spikes as a constant in backward.

    Raises:
        ValueError: `tau`, `levels` or `v_threshold` leaves its range.

    Source: Luo et al., Integer-Valued Training and Spike-Driven Inference Spiking Neural Network (SpikeYOLO), 2024;
        SpikingJelly's `ILIFNode`.

    Example:
        >>> import torch
        >>> neuron = ILIF(tau=2.0, levels=4)
        >>> neuron(torch.tensor([[2.6], [0.4], [9.0]])).flatten().tolist(), round(neuron.v.item(), 4)    # h: 2.6, 0.2, 9.1
        ([3.0, 0.0, 4.0], 5.1)
    """

    def __init__(self, *, tau: float = 4 / 3, levels: int = 4, v_threshold: float = 1.0, detach_reset: bool = False) -> None:
        if not 1 < float(tau) < inf:
            raise ValueError(f"ILIF: tau must be greater than 1 (in time steps) and finite; got {tau}")
        if levels < 1:
            raise ValueError(f"ILIF: levels must be at least 1; got {levels}")
        if not 0 < float(v_threshold) < inf:
            raise ValueError(f"ILIF: v_threshold must be positive and finite; got {v_threshold}")
        super().__init__(
            tau=float(tau),
            v_threshold=float(v_threshold),
            surrogate_function=MultiLevelSpikeCount(levels),
            detach_reset=detach_reset,
            step_mode="m",
        )

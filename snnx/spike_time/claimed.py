"""Which part of a layer's output must be spikes, and how many spikes it may emit at a step."""

import math

from spikingjelly.activation_based.surrogate import MultiLevelSpikeCount
from torch import Tensor, nn

from snnx.spike_time.dynamic_threshold import DynamicThreshold


def claimed_spikes(layer: nn.Module, output: Tensor) -> Tensor | None:
    """Return the part of a spiking layer's output that must be spikes; `None` if it claims no spikes.

    A layer that computes with spike times, `DynamicThreshold`, has two planes, of which only the first tells who fired. As a
    neuron of the equivalent ANN, it has only the other one.

    Example:
        >>> import torch
        >>> planes = torch.tensor([[[1.0]], [[0.25]]])                              # it fired, at the time 0.75
        >>> claimed_spikes(DynamicThreshold(), planes), claimed_spikes(DynamicThreshold(), planes[1:])
        (tensor([[[1.]]]), None)
    """
    if isinstance(layer, DynamicThreshold):
        return output[:1] if len(output) == 2 else None
    return output


def most_spikes(layer: nn.Module) -> float:
    """Return the largest output of a neuron at a step, which is 1 unless the layer counts spikes, as I-LIF does.

    Example:
        >>> from snnx.neuron.ilif import ILIF
        >>> from snnx.neuron.lif import LIF
        >>> most_spikes(LIF()), most_spikes(ILIF(levels=4))
        (1, 4)
    """
    return layer.surrogate_function.max_spike_count if counts_spikes(layer) else getattr(layer, "most_units", 1)


def counts_spikes(layer: nn.Module) -> bool:
    """Return whether an output of k is k spikes, as in I-LIF; the output of a burst is the value of a single spike.

    Example:
        >>> from snnx.conversion.bursting import Bursting
        >>> from snnx.neuron.ilif import ILIF
        >>> counts_spikes(ILIF()), counts_spikes(Bursting(v_threshold=1.0))
        (True, False)
    """
    return isinstance(getattr(layer, "surrogate_function", None), MultiLevelSpikeCount)


def are_spikes(s: Tensor, most: float) -> Tensor:
    """Return whether each value is a whole number from 0 to `most`.

    Example:
        >>> import torch
        >>> are_spikes(torch.tensor([0.0, 1.0, 0.3, -1.0, 2.0, torch.nan]), 1).tolist()
        [True, True, False, False, False, False]
    """
    return (s == s.round()) & (s >= 0) & (s <= most)


def up_to(most: float) -> str:
    """Say which values spikes may have.

    Example:
        >>> up_to(1), up_to(4), up_to(math.inf)
        ('0 or 1', 'whole numbers from 0 to 4', 'whole numbers')
    """
    return "0 or 1" if most == 1 else "whole numbers" if most == math.inf else f"whole numbers from 0 to {most}"

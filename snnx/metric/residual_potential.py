"""Measures the residual potential: the distance of the potential from the threshold before the reset."""

import torch
from torch import Tensor, nn

from snnx.metric.by_step import require_steps
from snnx.metric.metric import Metric, Table
from snnx.neuron.node import Node


class ResidualPotential(Metric):
    """`r = |h - threshold|` (signed: `r = h - threshold`), as the maximum and the mean over neurons.

    The threshold is the one that this h was compared with: `v_threshold`, or its value at this step if it changes over time.

    Over the test set, the maximum of the samples' maxima and the mean of their means are taken. If the layers are put one after
    another, the position is the paper's global step `g = (l - 1)*T + t`. `dip` is the mean over all layers before the last
    minus the mean of the last layer; it is positive if the curve falls at its end, the paper's steps 30 to 40.

    Args:
        signed: whether to keep the sign, which tells overshoot from undershoot.

    Source: Direct Training of Spiking Transformers, section 4.7 and Figure 17.

    Example:
        >>> from snnx.neuron.if_ import IF
        >>> ResidualPotential().measure(torch.tensor([[[0.5, 3.0]]]), torch.zeros(1, 1, 2), IF())
        {'residual_potential_max': tensor([[2.]]), 'residual_potential_mean': tensor([[1.2500]])}
    """

    needs_potential = needs_thresholds = True
    over_samples = {"residual_potential_max": "max", "residual_potential_mean": "mean"}
    in_pieces = True

    def __init__(self, *, signed: bool = False) -> None:
        self.signed = signed

    def begin(self, network: nn.Module) -> None:
        require_steps(network, "ResidualPotential")

    def measure(self, h: Tensor, s: Tensor, node: Node) -> dict[str, Tensor]:
        r = (h.float() - node.thresholds()).flatten(2)
        r = r if self.signed else r.abs()
        return {"residual_potential_max": r.amax(2), "residual_potential_mean": r.mean(2)}

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        *before, last = table.values()
        return {"dip": float(torch.stack(before).mean() - last.mean())} if before else {}

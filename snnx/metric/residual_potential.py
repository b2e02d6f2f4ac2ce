"""Residual potential: how far the potential is from the threshold when it is compared with it."""

import torch
from torch import Tensor, nn

from snnx.metric.by_step import require_steps
from snnx.metric.metric import Metric, Table
from snnx.neuron.node import Node


class ResidualPotential(Metric):
    """`r = |h - threshold|` (signed: `r = h - threshold`), the largest and the mean over neurons.

    The threshold is the one that this h was compared with: `v_threshold`, or where a neuron moves it, that of the step.

    Over the test set the largest of the samples' maxima, and the mean of their means. Layers in order make the paper's global
    step `g = (l - 1)*T + t`. `dip` is the mean over all layers before the last minus the mean of the last: positive where the
    curve falls in its last stretch, the paper's steps 30 to 40.

    Args:
        signed: keep the sign, so that over- and undershoot can be told apart.

    Source: Direct Training of Spiking Transformers, section 4.7 and Figure 17.

    Example:
        >>> from snnx.neuron.if_ import IF
        >>> ResidualPotential().measure(torch.tensor([[[0.5, 3.0]]]), torch.zeros(1, 1, 2), IF())
        {'residual_potential_max': tensor([[2.]]), 'residual_potential_mean': tensor([[1.2500]])}
    """

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

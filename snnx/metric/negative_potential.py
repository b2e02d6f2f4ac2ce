"""Negative potential percent: the share of neurons whose potential is below zero when it is compared with the threshold."""

from torch import Tensor

from snnx.metric.metric import Metric, Table, rise


class NegativePotential(Metric):
    """`negative_potential_percent[t, b] = 100 * #{h[t, b] < 0} / neurons`, with `h` the potential before reset.

    `rise` is the last layer minus the one before it. For KLIF, whose potential passes a ReLU after charge, it is 0.

    Source: Direct Training of Spiking Transformers, section 4.6 and Figure 16.

    Example:
        >>> import torch
        >>> NegativePotential().measure(torch.tensor([[[-1.0, -0.5, 0.0, 2.0]]]), torch.zeros(1, 1, 4), 1.0)
        {'negative_potential_percent': tensor([[50.]])}
    """

    over_samples = {"negative_potential_percent": "mean"}

    def measure(self, h: Tensor, s: Tensor, v_threshold: float) -> dict[str, Tensor]:
        return {"negative_potential_percent": 100 * (h.flatten(2) < 0).float().mean(2)}

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        return rise(table)

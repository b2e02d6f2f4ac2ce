"""Measures the firing rate: how often a neuron fires."""

from torch import Tensor, nn

from snnx.metric.metric import Metric, Table


class FiringRate(Metric):
    """`firing_rate[t, b] = sum of s[t, b] / neurons`, in spikes per neuron and step.

    `last_over_first` is the last layer's rate divided by the first layer's; it is near 0 if activity dies out with depth.

    Example:
        >>> import torch
        >>> from snnx.neuron.if_ import IF
        >>> FiringRate().measure(torch.zeros(1, 2, 4), torch.tensor([[[1.0, 0, 0, 0], [1.0, 1, 1, 0]]]), IF())
        {'firing_rate': tensor([[0.2500, 0.7500]])}
    """

    over_samples = {"firing_rate": "mean"}
    in_pieces = True

    def measure(self, h: Tensor | None, s: Tensor, node: nn.Module) -> dict[str, Tensor]:
        return {"firing_rate": s.flatten(2).float().mean(2)}

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        first, *_, last = (float(values.mean()) for values in [*table.values()] * (1 if len(table) > 1 else 2))
        return {"last_over_first": last / first} if first > 0 else {}

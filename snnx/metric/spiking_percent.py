"""Measures the percentage of neurons that fire at a step."""

from torch import Tensor, nn

from snnx.metric.metric import Metric, Table, rise


class SpikingPercent(Metric):
    """`spiking_percent[t, b] = 100 * sum of s[t, b] / neurons`, averaged over the samples of the test set.

    `rise` is the last layer's value minus that of the layer before it.

    Source: Direct Training of Spiking Transformers, section 4.5 and Figure 15, where `s` has the shape `[B, tokens,
        channels]`; averaging over the time steps is our reading.

    Example:
        >>> import torch
        >>> from snnx.neuron.if_ import IF
        >>> SpikingPercent().measure(torch.zeros(1, 1, 4), torch.tensor([[[1.0, 0, 0, 0]]]), IF())
        {'spiking_percent': tensor([[25.]])}
    """

    over_samples = {"spiking_percent": "mean"}
    in_pieces = True

    def measure(self, h: Tensor | None, s: Tensor, node: nn.Module) -> dict[str, Tensor]:
        return {"spiking_percent": 100 * s.flatten(2).float().mean(2)}

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        return rise(table)

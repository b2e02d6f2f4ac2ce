"""Measures the share of zeros among a spiking attention's scores, before and after a denoiser."""

from itertools import pairwise

from torch import Tensor, nn

from snnx.attention.self_attention import SelfAttention
from snnx.metric.attends import require_attention
from snnx.metric.metric import Metric, Table


class AttentionZero(Metric):
    """The share of zeros among each block's scores, over heads and pairs of tokens.

        attention_zero_before[t, b] = share of q k^T that is 0
        attention_zero[t, b]        = share that is 0 after the denoiser; the same without one

    `..._block0`, `..._block1` and so on are the blocks' means over time, and `..._least` is the smallest of them. `..._rise` is
    the smallest difference between a block and the one before it, so it is positive if the share rises from each block to the
    next.

    Source: DS2TA, Table 3, which calls the share of zeros sparsity.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> scores = torch.tensor([[0.0, 1.0], [3.0, 0.0]]).view(1, 1, 1, 2, 2)
        >>> found = AttentionZero().measure_scores(scores, scores * (scores >= 2), SelfAttention(4, 1, nn.ReLU))
        >>> {curve: values.item() for curve, values in found.items()}
        {'attention_zero_before': 0.5, 'attention_zero': 0.75}
        >>> AttentionZero().extra("attention_zero", {"a": torch.tensor([0.5]), "b": torch.tensor([0.75])})
        {'block0': 0.5, 'block1': 0.75, 'least': 0.5, 'rise': 0.25}
    """

    over_samples = {"attention_zero_before": "mean", "attention_zero": "mean"}

    def begin(self, network: nn.Module) -> None:
        require_attention(network, "AttentionZero")

    def measure_scores(self, before: Tensor, after: Tensor, attention: SelfAttention) -> dict[str, Tensor]:
        shares = {"attention_zero_before": before, "attention_zero": after}
        return {curve: (scores == 0).flatten(2).float().mean(2) for curve, scores in shares.items()}

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        blocks = [float(values.mean()) for values in table.values()]
        steps = [after - before for before, after in pairwise(blocks)]
        found = {**{f"block{i}": share for i, share in enumerate(blocks)}, "least": min(blocks)}
        return {**found, "rise": min(steps)} if steps else found

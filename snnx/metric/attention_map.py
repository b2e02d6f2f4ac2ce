"""Records example score maps of a spiking attention, before and after a denoiser."""

from torch import Tensor, nn

from snnx.attention.self_attention import SelfAttention
from snnx.metric.attends import require_attention
from snnx.metric.metric import Metric, Table


class AttentionMap(Metric):
    """The scores of one head of the last block at the last step, for the first correctly classified sample.

        attention_map_before = q k^T of that head, row by row, N*N values;  attention_map = the same after the denoiser

    Args:
        head: index of the head, counted from 0.

    Raises:
        ValueError: the head is negative, or the attention has no such head.

    Source: DS2TA, Figure 3.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> scores = torch.tensor([[0.0, 1.0], [3.0, 0.0]]).view(1, 1, 1, 2, 2)
        >>> AttentionMap().measure_scores(scores, scores * (scores >= 2), SelfAttention(4, 1, nn.ReLU))["attention_map"]
        tensor([[0.],
                [0.],
                [3.],
                [0.]])
    """

    over_samples = {"attention_map_before": "example", "attention_map": "example"}

    def __init__(self, *, head: int = 0) -> None:
        if head < 0:
            raise ValueError(f"AttentionMap: head must be at least 0; got {head}")
        self.head = head

    def begin(self, network: nn.Module) -> None:
        require_attention(network, "AttentionMap")

    def measure_scores(self, before: Tensor, after: Tensor, attention: SelfAttention) -> dict[str, Tensor]:
        if self.head >= attention.heads:
            raise ValueError(f"AttentionMap: head must be below the {attention.heads} heads of a block; got {self.head}")
        shown = {"attention_map_before": before, "attention_map": after}
        return {curve: scores[-1, :, self.head].flatten(1).T for curve, scores in shown.items()}

    def finish(self, curves: dict[str, Table]) -> dict[str, Table]:
        return {curve: dict([list(table.items())[-1]]) for curve, table in curves.items()}

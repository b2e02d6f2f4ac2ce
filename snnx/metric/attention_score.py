"""Measures the distribution of a spiking attention's scores, to show how many of them a threshold would keep."""

import torch
from torch import Tensor, nn

from snnx.attention.self_attention import SelfAttention
from snnx.metric.attends import require_attention
from snnx.metric.drawn_curves import HISTOGRAMS
from snnx.metric.metric import Metric, Table

BINS = HISTOGRAMS["attention_score_histogram"]


class AttentionScore(Metric):
    """The distribution of each block's integer scores `q k^T`, before any denoiser, over samples, steps, heads and token pairs.

        attention_score_histogram    = shares of the scores 0, 1, .. 31, and of 32 and more
        attention_score_threshold_95 = the least u with at least 95 % of the scores below u

    Source: ours; in DS2TA, Table 3, a threshold leaves 97 to 99 % zeros, but the paper does not state it for these data.

    Example:
        >>> from torch import nn
        >>> scores = torch.tensor([[0.0, 1.0], [3.0, 0.0]]).view(1, 1, 1, 2, 2)
        >>> shares = AttentionScore().measure_scores(scores, scores, SelfAttention(4, 1, nn.ReLU))
        >>> shares["attention_score_histogram"][:4].flatten().tolist()
        [0.5, 0.25, 0.0, 0.25]
        >>> found = AttentionScore().finish({curve: {"block": values.mean(1)} for curve, values in shares.items()})
        >>> found["attention_score_threshold_95"]["block"].tolist()
        [4.0]
    """

    over_samples = {"attention_score_histogram": "mean"}

    def begin(self, network: nn.Module) -> None:
        require_attention(network, "AttentionScore")

    def measure_scores(self, before: Tensor, after: Tensor, attention: SelfAttention) -> dict[str, Tensor]:
        place = before.transpose(0, 1).flatten(1).long().clamp(max=BINS.count - 1)
        sample = torch.arange(len(place), device=place.device).view(-1, 1) * BINS.count
        counts = torch.bincount((place + sample).flatten(), minlength=len(place) * BINS.count).view(-1, BINS.count)
        return {"attention_score_histogram": counts.T / place.shape[1]}

    def finish(self, curves: dict[str, Table]) -> dict[str, Table]:
        shares = curves["attention_score_histogram"]
        thresholds = {block: (1 + (values.cumsum(0) < 0.95).sum())[None].float() for block, values in shares.items()}
        return {**curves, "attention_score_threshold_95": thresholds}

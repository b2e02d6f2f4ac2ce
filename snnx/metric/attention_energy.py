"""Models the energy of the products with an attention's scores."""

from typing import Literal

from torch import Tensor, nn

from snnx.attention.self_attention import SelfAttention
from snnx.energy.prices import PRICES
from snnx.metric.attends import require_attention
from snnx.metric.metric import Metric, Table

PICOJOULES = {"paper": 4.75e-3, "45nm_int8": PRICES["45nm_int8"].ac, "45nm_fp32": PRICES["45nm"].ac}
"""Energy of an operation: fitted to the paper's table, or an addition of 8-bit integers or of floats in 45 nm."""


def attention_energy_nj(density: Tensor | float, steps: int, tokens: int, width: int, operation: str) -> Tensor | float:
    """Return `e * T * N^2 * D * density` in nJ per image, where `density` is the share of scores that are not 0.

    Example:
        >>> [round(attention_energy_nj(1 - zero, 4, 64, 384, "paper"), 2) for zero in (0.7426, 0.9699)]
        [7.69, 0.9]
    """
    return 1e-3 * PICOJOULES[operation] * steps * tokens**2 * width * density


class AttentionEnergy(Metric):
    """`attention_energy_nj` of each block, for the scores after the denoiser and, with the suffix `_before`, before it.

    `..._block0`, `..._block1` and so on are the values of the blocks, and `..._sum` is their sum. The savings in the paper
    compare two networks, not the scores before and after a denoiser.

    Args:
        operation: price of an operation, `paper`, `45nm_int8` or `45nm_fp32`.

    Raises:
        ValueError: `operation` is none of the three.

    Source: DS2TA, Table 3. The paper gives no formula. All eight numbers of the table are 29.88 nJ times the density, which
        equals `N^2 D` operations of 4.75 fJ per step; how often v fires does not enter. Horowitz, 2014, for 45 nm.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> scores = torch.ones(4, 1, 12, 64, 64)
        >>> found = AttentionEnergy().measure_scores(scores, 0 * scores, SelfAttention(384, 12, nn.ReLU))
        >>> {curve: round(values.sum().item(), 2) for curve, values in found.items()}
        {'attention_energy_nj_before': 29.88, 'attention_energy_nj': 0.0}
    """

    over_samples = {"attention_energy_nj_before": "mean", "attention_energy_nj": "mean"}

    def __init__(self, *, operation: Literal["paper", "45nm_int8", "45nm_fp32"] = "paper") -> None:
        if operation not in PICOJOULES:
            raise ValueError(f"AttentionEnergy: operation must be one of {', '.join(PICOJOULES)}; got {operation}")
        self.operation = operation
        text = f"{1e-3 * PICOJOULES[operation]:g} nJ * T * N^2 * D * share of scores that are not 0"
        self.formulas = {
            "attention_energy_nj_sum": f"sum over blocks of {text}",
            "attention_energy_nj_before_sum": f"sum over blocks of {text}, before the denoiser",
        }

    def begin(self, network: nn.Module) -> None:
        require_attention(network, "AttentionEnergy")

    def measure_scores(self, before: Tensor, after: Tensor, attention: SelfAttention) -> dict[str, Tensor]:
        tokens = before.shape[-1]
        density = {"_before": before, "": after}
        return {
            f"attention_energy_nj{name}": attention_energy_nj(
                (scores != 0).flatten(2).float().mean(2), 1, tokens, attention.width, self.operation
            )
            for name, scores in density.items()
        }

    def finish(self, curves: dict[str, Table]) -> dict[str, Table]:
        return {curve: {block: v.sum()[None] for block, v in table.items()} for curve, table in curves.items()}

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        blocks = [float(values.sum()) for values in table.values()]
        return {**{f"block{i}": energy for i, energy in enumerate(blocks)}, "sum": sum(blocks)}

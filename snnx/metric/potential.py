"""Measures the distribution of the potentials that are compared with the threshold."""

import torch
from torch import Tensor, nn

from snnx.metric.by_step import require_steps
from snnx.metric.drawn_curves import HISTOGRAMS
from snnx.metric.metric import Metric, Table
from snnx.neuron.node import Node
from snnx.neuron.ttfs import TTFS, unfired

BINS = HISTOGRAMS["potential_histogram"]


class Potential(Metric):
    """The distribution of `h[t]`, the potential before reset, over samples, steps and neurons of a layer.

        potential_mean, potential_std, potential_skew
        potential_above = share with h >= threshold
        potential_near  = share with |h - threshold| <= 1
        potential_histogram, in 64 bins from -4 to 4; values outside count in the first or the last bin
        current_variance = Var(x[t]), of a first-spike neuron without leak, where x[t] = h[t] - h[t-1]

    The threshold is the one that this h was compared with: `v_threshold`, or its value at this step if it changes over time.
    The potential of a neuron that fires once has no effect after its spike, so only the steps up to the spike count.

    Args:
        include_refractory: whether the steps after the spike of a first-spike neuron count too.

    Source: ETTFS, Figures 1 and 2.

    Example:
        >>> h = torch.tensor([0.5, 1.5, 2.5]).view(3, 1, 1)
        >>> raw = Potential().measure(h, torch.tensor([0.0, 1.0, 0.0]).view(3, 1, 1), TTFS())
        >>> curves = Potential().finish({name: {"sn": values.mean(1)} for name, values in raw.items()})
        >>> {name: round(curves[name]["sn"].item(), 3) for name in ("potential_mean", "potential_std", "potential_above")}
        {'potential_mean': 1.0, 'potential_std': 0.5, 'potential_above': 0.5}
    """

    needs_potential = True
    over_samples = {
        **{f"_{name}": "mean" for name in ("counted", "h", "hh", "hhh", "above", "near", "x", "xx")},
        "potential_histogram": "mean",
    }

    def __init__(self, *, include_refractory: bool = False) -> None:
        self.include_refractory = include_refractory

    def begin(self, network: nn.Module) -> None:
        require_steps(network, "Potential")

    def measure(self, h: Tensor, s: Tensor, node: Node) -> dict[str, Tensor]:
        above = (h.float() - node.thresholds()).flatten(2)
        h, s = h.flatten(2).float(), s.flatten(2)
        counted = torch.ones_like(h)
        if isinstance(node, TTFS) and not self.include_refractory:
            counted = unfired(s).float()
        parts = {
            "_counted": counted, "_h": counted * h, "_hh": counted * h**2, "_hhh": counted * h**3,
            "_above": counted * (above >= 0), "_near": counted * (above.abs() <= 1),
        }  # fmt: skip
        if isinstance(node, TTFS) and node.tau is None:
            x = h.diff(dim=0, prepend=torch.zeros_like(h[:1]))
            parts |= {"_x": x, "_xx": x**2}
        return {name: part.mean(2) for name, part in parts.items()} | {"potential_histogram": _histogram(h, counted)}

    def finish(self, curves: dict[str, Table]) -> dict[str, Table]:
        found: dict[str, Table] = {}
        for layer, counted in curves["_counted"].items():
            total = counted.mean()

            def share(name: str, layer: str = layer, total: Tensor = total) -> Tensor:
                return curves[name][layer].mean() / total

            mean, square, cube = share("_h"), share("_hh"), share("_hhh")
            std = (square - mean**2).clamp(min=0).sqrt()
            skew = (cube - 3 * mean * square + 2 * mean**3) / std.clamp(min=1e-12) ** 3
            row = {"mean": mean, "std": std, "skew": skew, "above": share("_above"), "near": share("_near")}
            for name, value in row.items():
                found.setdefault(f"potential_{name}", {})[layer] = value[None]
            if layer in curves.get("_xx", {}):
                x, xx = curves["_x"][layer].mean(), curves["_xx"][layer].mean()
                found.setdefault("current_variance", {})[layer] = (xx - x**2)[None]
            found.setdefault("potential_histogram", {})[layer] = curves["potential_histogram"][layer] / total
        return found


def _histogram(h: Tensor, counted: Tensor) -> Tensor:
    """Return the share of each sample's potentials in each bin, `[bins, B]`."""
    place = ((h - BINS.low) * (BINS.count / (BINS.high - BINS.low))).floor().clamp(0, BINS.count - 1).long()
    by_sample = (x.transpose(0, 1).flatten(1) for x in (place, counted))
    place, counted = by_sample
    shares = torch.zeros(len(place), BINS.count, device=h.device).scatter_add_(1, place, counted)
    return shares.T / place.shape[1]

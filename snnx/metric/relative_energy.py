"""Energy relative to rate coding, from latency and number of spikes."""

import torch
from torch import Tensor, nn

from snnx.metric.metric import Metric, Table
from snnx.metric.spikes_per_neuron import answered
from snnx.spike_time.dynamic_threshold import DynamicThreshold

RATE_STEPS, RATE_SPIKES = 512, 2.612e6  # RMP-SNN, VGG-16 on CIFAR-10: the reference of the paper's Table 2
SHARES = {"truenorth": (0.6, 0.4), "spinnaker": (0.36, 0.64)}  # static and dynamic share of the reference's energy


def relative_energy(steps: float, spikes: Tensor | float, chip: str) -> Tensor | float:
    """Return `E_static * steps/512 + E_dynamic * spikes/2.612e6`, which is 1 for the paper's rate-coded network.

    Example:
        >>> round(relative_energy(160, 0.073e6, "truenorth"), 4), round(relative_energy(160, 0.073e6, "spinnaker"), 4)
        (0.1987, 0.1304)
    """
    static, dynamic = SHARES[chip]
    return static * steps / RATE_STEPS + dynamic * spikes / RATE_SPIKES


class RelativeEnergy(Metric):
    """`relative_energy` on TrueNorth and on SpiNNaker of a network whose layers fire in time windows.

        spikes_in_total = spikes of all watched layers and of the read-out; a read-out that does not fire counts one per neuron
        latency_steps   = windows * window_steps, over the windows of all layers and of the read-out; if pixels fire at certain
            times, the first window is theirs

    Args:
        window_steps: number of time steps that a window counts as, if the network computes exact times, at least 1. The paper's
            VGG-16 has 160 steps, which are 16 windows of 10. A network with `method.steps` uses its own number.

    Raises:
        ValueError: `window_steps` is below 1, or the network has no windows.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Eq 11 and Table 2. That each term is divided
        by that of the rate-coded network before it is weighted is our conclusion from the table, and fits all its rows.

    Example:
        >>> metric, last = RelativeEnergy(window_steps=10), DynamicThreshold()
        >>> last.window = 14                                    # of 15 layers and the read-out; the first takes values
        >>> metric.begin(last)
        >>> table = metric.finish({"spikes": {f"layer{i}": torch.tensor([0.073e6 / 16]) for i in range(16)}})
        >>> round(table["energy_truenorth"]["all"].item(), 4), table["latency_steps"]["all"].item()
        (0.1987, 160.0)
    """

    over_samples = {"spikes": "mean"}
    formulas = {
        "spikes_in_total": "spikes of all watched layers and the read-out; a read-out that does not fire counts one per neuron",
        "latency_steps": "windows * window_steps",
        **{
            f"energy_{chip}": f"{static} * latency_steps/{RATE_STEPS} + {dynamic} * spikes_in_total/{RATE_SPIKES:g} [DTA Eq 11]"
            for chip, (static, dynamic) in SHARES.items()
        },
    }

    def __init__(self, *, window_steps: int = 10) -> None:
        if window_steps < 1:
            raise ValueError(f"RelativeEnergy: window_steps must be at least 1; got {window_steps}")
        self.window_steps = window_steps

    def begin(self, network: nn.Module) -> None:
        layers = [module for module in network.modules() if isinstance(module, DynamicThreshold) and module.window is not None]
        if not layers:
            raise ValueError(f"RelativeEnergy: method must be ttfs, whose layers have windows; got {type(network).__name__}")
        last = max(layers, key=lambda layer: layer.window)
        steps = last.steps or self.window_steps
        self._latency = (last.window + 2) * steps  # windows count from 0, and the read-out has the next one

    def measure(self, h: Tensor | None, s: Tensor, node: nn.Module) -> dict[str, Tensor]:
        return {"spikes": s.sum(0, keepdim=True).flatten(2).float().sum(2)}

    def measure_output(self, outputs: Tensor, decoding: nn.Module, labels: Tensor) -> dict[str, dict[str, Tensor]]:
        return {"spikes": {"out": answered(outputs, decoding).sum(1)[None]}}

    def finish(self, curves: dict[str, Table]) -> dict[str, Table]:
        layers = curves["spikes"]
        spikes, steps = torch.stack(list(layers.values())).sum(0), self._latency
        found = {f"energy_{chip}": {"all": relative_energy(steps, spikes, chip)} for chip in SHARES}
        return {"spikes_in_total": {"all": spikes}, "latency_steps": {"all": torch.full_like(spikes, steps)}, **found}

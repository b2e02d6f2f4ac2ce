"""Measures latency and number of spikes, and the energy relative to rate coding."""

import torch
from torch import Tensor, nn

from snnx.conversion.timed import Once
from snnx.energy.chips import RATE_SPIKES, RATE_STEPS, SHARES, relative_energy
from snnx.metric.by_step import require_causal, scores_by_step
from snnx.metric.metric import Metric, Table
from snnx.metric.spikes_per_neuron import answered
from snnx.spike_time.dynamic_threshold import DynamicThreshold

NEAR = 0.005
"""The accuracy has settled when it stays within half a percentage point of its value at the last step."""


class RelativeEnergy(Metric):
    """The latency of a network, and its spikes up to the latency; both give the energy on TrueNorth and on SpiNNaker.

        spikes_in_total = spikes of all watched layers up to the latency, and of the read-out; a read-out that does not fire
            counts one per neuron
        latency_steps   = windows * window_steps, over the windows of all layers and of the read-out, for `method=ttfs`; if
            pixels fire at certain times, the first window is theirs
                        = all time steps, if the layers fire one after another in windows of steps
                        = else the first step from which test accuracy stays within 0.5 points of that of the last step

    `method=ttfs` also gives `energy_truenorth` and `energy_spinnaker`, relative to the paper's rate-coded network (see
    `energy.chips`), from all windows and their spikes; `metric=energy` gives the same numbers for a network with time steps,
    from all its steps. If a sweep file names a `reference` row, `snnx report` computes for all rows `relative_truenorth`,
    relative to that row, and `relative_to_paper_truenorth`, relative to the paper's network, and the same for SpiNNaker. A
    network without spikes has none of these numbers.

    Args:
        window_steps: number of time steps that a window counts as, if the network computes exact times, at least 1. The paper's
            VGG-16 has 160 steps, which are 16 windows of 10. A network with `method.steps` uses its own number.

    Raises:
        ValueError: `window_steps` is below 1, or the network has neurons that read later steps.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Eq 11 and Table 2. The rule by
        which the accuracy counts as settled is ours.

    Example:
        >>> metric, last = RelativeEnergy(window_steps=10), DynamicThreshold()
        >>> last.window = 14                                    # of 15 layers and the read-out; the first takes values
        >>> metric.begin(last)
        >>> table = metric.finish({"spikes": {f"layer{i}": torch.tensor([0.073e6 / 16]) for i in range(16)}})
        >>> round(table["energy_truenorth"]["all"].item(), 4), table["latency_steps"]["all"].item()
        (0.1987, 160.0)
    """

    over_samples = {"spikes": "mean", "right": "mean"}
    in_pieces = True
    formulas = {
        "spikes_in_total": "spikes of all watched layers up to the latency, and of the read-out; a read-out that does not fire "
        "counts one per neuron",
        "latency_steps": "windows * window_steps; all steps for layers that fire one after another; else the first step from "
        "which accuracy stays within 0.5 points of the last",
        **{
            f"energy_{chip}": f"{static} * latency_steps/{RATE_STEPS} + {dynamic} * spikes_in_total/{RATE_SPIKES:g} [DTA Eq 11]"
            for chip, (static, dynamic) in SHARES.items()
        },
    }

    def __init__(self, *, window_steps: int = 10) -> None:
        if window_steps < 1:
            raise ValueError(f"RelativeEnergy: window_steps must be at least 1; got {window_steps}")
        self.window_steps = window_steps
        self._answered = False

    def begin(self, network: nn.Module) -> None:
        require_causal(network, "RelativeEnergy")
        timed = [module for module in network.modules() if isinstance(module, DynamicThreshold)]
        layers = [module for module in timed if module.window is not None]
        if timed and not layers:
            raise ValueError(
                f"RelativeEnergy: layers must have windows or time steps, which give the latency; got {type(network).__name__} "
                "with spike times that have no bound; use method=ttfs"
            )
        self._windows: int | None = None  # steps of all windows of a network of spike times
        if layers:
            last = max(layers, key=lambda layer: layer.window)
            self._windows = (last.window + 2) * (
                last.steps or self.window_steps
            )  # windows count from 0; the read-out's is next
        self._one_by_one = any(isinstance(module, Once) for module in network.modules())

    def measure_input(self, images: Tensor, encoded: Tensor) -> dict[str, dict[str, Tensor]]:
        self._answered = False
        return {}

    def measure(self, h: Tensor | None, s: Tensor, node: nn.Module) -> dict[str, Tensor]:
        return {"spikes": s.flatten(2).float().sum(2)}

    def measure_output(self, outputs: Tensor, decoding: nn.Module, labels: Tensor) -> dict[str, dict[str, Tensor]]:
        found = {} if self._answered else {"spikes": {"out": answered(outputs, decoding).sum(1)[None]}}
        self._answered = True  # the read-out counts once per run, not once per piece
        if self._windows is None:
            found["right"] = {"output": (scores_by_step(outputs, decoding).argmax(2) == labels).float()}
        return found

    def finish(self, curves: dict[str, Table]) -> dict[str, Table]:
        layers = curves["spikes"]
        if not set(layers) - {"out"}:
            return {}
        steps = self._windows or self._settled(curves["right"]["output"])
        spikes = torch.stack([values[:steps].sum(0, keepdim=True) for values in layers.values()]).sum(0)
        found = {"spikes_in_total": {"all": spikes}, "latency_steps": {"all": torch.full_like(spikes, steps)}}
        if self._windows is None:
            return found
        return found | {f"energy_{chip}": {"all": relative_energy(steps, spikes, chip)} for chip in SHARES}

    def _settled(self, accuracy: Tensor) -> int:
        """Return the latency of a network with time steps, from its accuracy after each step."""
        away = ((accuracy - accuracy[-1]).abs() > NEAR + 1e-9).nonzero()
        return len(accuracy) if self._one_by_one else int(away.max()) + 2 if len(away) else 1

"""Measures the spikes per neuron; papers on neurons that fire once call this number S/N."""

import torch
from torch import Tensor, nn

from snnx.metric.metric import Metric, Table


class SpikesPerNeuron(Metric):
    """`spikes_per_neuron[b] = sum over all steps of s[t, b] / neurons`, and the share of neurons that did not fire at all.

        inactive_percent[b] = 100 * neurons without a spike / neurons

    All neuron layers and the read-out `out` are counted, but not pixels and pooled maps. The mean over layers is weighted by
    their numbers of neurons. A read-out that does not fire counts one spike per neuron, as in the authors' code. A network
    without spiking neurons, such as a ReLU network, has neither number.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Table 1 (there "sparsity") and Figure 6.

    Example:
        >>> from snnx.spike_time.dynamic_threshold import DynamicThreshold
        >>> found = SpikesPerNeuron().measure(torch.zeros(1, 1, 4), torch.tensor([[[1.0, 0, 0, 1]]]), DynamicThreshold())
        >>> found["spikes_per_neuron"].item(), found["inactive_percent"].item()
        (0.5, 50.0)
    """

    over_samples = {"spikes_per_neuron": "mean", "inactive_percent": "mean"}
    in_pieces = True
    formulas = {
        "spikes_per_neuron": "spikes of all steps / neurons; a read-out that does not fire counts one spike per neuron",
        "inactive_percent": "100 * neurons without a spike / neurons, including those of the read-out",
    }

    def __init__(self) -> None:
        self._fired: dict[int, Tensor] = {}  # node -> which neurons have fired for each sample of the present batch
        self._answered = False

    def measure_input(self, images: Tensor, encoded: Tensor) -> dict[str, dict[str, Tensor]]:
        self._fired, self._answered = {}, False
        return {}

    def measure(self, h: Tensor | None, s: Tensor, node: nn.Module) -> dict[str, Tensor]:
        """Return one value per piece of time: the spikes in it, and the share of neurons that were silent until its end."""
        spikes = s.sum(0, keepdim=True).flatten(2).float()
        fired = (spikes > 0) | self._fired.get(id(node), torch.zeros_like(spikes, dtype=torch.bool))
        self._fired[id(node)] = fired
        return {"spikes_per_neuron": spikes.mean(2), "inactive_percent": 100 * (~fired).float().mean(2)}

    def measure_output(self, outputs: Tensor, decoding: nn.Module, labels: Tensor) -> dict[str, dict[str, Tensor]]:
        if self._answered:  # the read-out counts once per run, not once per piece
            return {}
        self._answered = True
        share = answered(outputs, decoding).mean(1)[None]
        return {"spikes_per_neuron": {"out": share}, "inactive_percent": {"out": 100 - 100 * share}}

    def finish(self, curves: dict[str, Table]) -> dict[str, Table]:
        if not set(curves["spikes_per_neuron"]) - {"out"}:
            return {}
        spikes = {layer: pieces.sum(0, keepdim=True) for layer, pieces in curves["spikes_per_neuron"].items()}
        return {"spikes_per_neuron": spikes, "inactive_percent": {k: v[-1:] for k, v in curves["inactive_percent"].items()}}


def answered(outputs: Tensor, decoding: nn.Module) -> Tensor:
    """Return the spikes of the read-out, `[B, K]`: those that it fired, or one per neuron if it does not fire."""
    fired = getattr(decoding, "fired", None)  # only read-outs that fire have it
    return torch.ones_like(outputs[0]) if fired is None else fired(outputs)

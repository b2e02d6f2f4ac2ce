"""Records the times at which the neurons of each layer fire, for one sample."""

import torch
from torch import Tensor, nn

from snnx.metric.metric import Metric
from snnx.spike_time.dynamic_threshold import DynamicThreshold


class SpikeRaster(Metric):
    """The first spikes of evenly chosen neurons of each layer, for the first correctly classified sample.

        spike_raster[n] = time of the first spike, NaN if there is none; in windows for spike times, else in steps from 0

    Args:
        neurons: maximum number of neurons per layer, at least 1.

    Raises:
        ValueError: `neurons` is below 1.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Figure 5.

    Example:
        >>> from snnx.neuron.if_ import IF
        >>> spikes = torch.tensor([[[0.0, 0.0]], [[1.0, 0.0]]])
        >>> SpikeRaster().measure(spikes, spikes, IF())["spike_raster"].flatten().tolist()
        [1.0, nan]
    """

    over_samples = {"spike_raster": "example"}

    def __init__(self, *, neurons: int = 200) -> None:
        if neurons < 1:
            raise ValueError(f"SpikeRaster: neurons must be at least 1; got {neurons}")
        self.neurons = neurons

    def measure(self, h: Tensor | None, s: Tensor, node: nn.Module) -> dict[str, Tensor]:
        if isinstance(node, DynamicThreshold):
            times = node.times[0].flatten(1)
        else:
            spikes = s.flatten(2).float()
            times = torch.where(spikes.amax(0) > 0, spikes.argmax(0), torch.nan)
        chosen = torch.linspace(0, times.shape[1] - 1, min(self.neurons, times.shape[1]), device=times.device).round().long()
        return {"spike_raster": times[:, chosen].T}

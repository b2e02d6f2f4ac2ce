"""Checks that no neuron fires twice; otherwise the run fails."""

from torch import Tensor, nn

from snnx.metric.metric import Metric


class SingleSpike(Metric):
    """`spikes_of_busiest`: the largest number of spikes of any neuron for any sample; if it is above 1, the run fails.

    Raises:
        ValueError: a neuron fired more than once; raised during the test.

    Example:
        >>> import torch
        >>> from snnx.neuron.if_ import IF
        >>> SingleSpike().measure(torch.zeros(3, 1, 2), torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]], [[1.0, 1.0]]]), IF())
        Traceback (most recent call last):
        ValueError: SingleSpike: a neuron must fire at most once per sample; got 2 spikes of one IF; choose ...
    """

    over_samples = {"spikes_of_busiest": "max"}
    formulas = {"spikes_of_busiest": "the most spikes that any neuron fired for any sample"}

    def measure(self, h: Tensor | None, s: Tensor, node: nn.Module) -> dict[str, Tensor]:
        spikes = s.sum(0, keepdim=True).flatten(2).amax(2)
        if (most := float(spikes.max())) > 1:
            raise ValueError(
                f"SingleSpike: a neuron must fire at most once per sample; got {most:g} spikes of one {type(node).__name__}; "
                "choose neuron=ttfs or method=ttfs, or leave this metric out"
            )
        return {"spikes_of_busiest": spikes}

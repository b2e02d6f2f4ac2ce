"""What a run would have said, had it been stopped after each of its steps."""

import torch
from spikingjelly.activation_based import functional
from torch import Tensor, nn

from snnx.decoding.running_mean import RunningMean
from snnx.spike_time.dynamic_threshold import DynamicThreshold


def scores_by_step(outputs: Tensor, decoding: nn.Module) -> Tensor:
    """`[T, B, K]`: the scores that `decoding` makes of the steps up to each."""
    if isinstance(decoding, RunningMean):
        return decoding.by_step(outputs)
    scores = []
    for steps in range(1, 1 + len(outputs)):
        functional.reset_net(decoding)
        scores.append(decoding(outputs[:steps]))
    functional.reset_net(decoding)
    return torch.stack(scores)


def answers(scores: Tensor) -> Tensor:
    """The class with the greatest of the scores `[..., K]`; -1, no answer, where several have it exactly, as before any spike.

    Example:
        >>> answers(torch.tensor([[0.0, 0.0, 0.0], [1.0, 3.0, 2.0], [1.0, 3.0, 3.0]])).tolist()
        [-1, 1, -1]
    """
    greatest = scores == scores.amax(-1, keepdim=True)
    return greatest.int().argmax(-1).where(greatest.sum(-1) == 1, -1)


def require_steps(network: nn.Module, metric: str) -> None:
    """Refuse a network that has no steps to be stopped at, and no potentials and spikes a step.

    Raises:
        ValueError: it is one of spike times.
    """
    if any(isinstance(module, DynamicThreshold) for module in network.modules()):
        raise ValueError(
            f"{metric}: method must have time steps; got spike times, one a window, and an answer when the last window ends: "
            "metric=[spikes_per_neuron,relative_energy] count them and give that latency"
        )

"""Computes the scores and answers that a network would give if it were stopped after each time step."""

import torch
from spikingjelly.activation_based import functional
from torch import Tensor, nn

from snnx.decoding.running_mean import RunningMean
from snnx.neuron.spiking import reads_later_steps
from snnx.norm.norm import Norm
from snnx.spike_time.dynamic_threshold import DynamicThreshold


def scores_by_step(outputs: Tensor, decoding: nn.Module) -> Tensor:
    """Return `[T, B, K]`: for each step, the scores that `decoding` computes from the outputs up to that step."""
    if isinstance(decoding, RunningMean):
        return decoding.by_step(outputs)
    scores = []
    for steps in range(1, 1 + len(outputs)):
        functional.reset_net(decoding)
        scores.append(decoding(outputs[:steps]))
    functional.reset_net(decoding)
    return torch.stack(scores)


def answers(scores: Tensor) -> Tensor:
    """Return the class with the highest of the scores `[..., K]`, or -1 (no answer) if several classes share the highest.

    Such a tie occurs before the first spike, for example, when all scores are 0.

    Example:
        >>> answers(torch.tensor([[0.0, 0.0, 0.0], [1.0, 3.0, 2.0], [1.0, 3.0, 3.0]])).tolist()
        [-1, 1, -1]
    """
    greatest = scores == scores.amax(-1, keepdim=True)
    return greatest.int().argmax(-1).where(greatest.sum(-1) == 1, -1)


def require_steps(network: nn.Module, metric: str) -> None:
    """Reject a network that uses spike times: it has no time steps, so it has no potentials and spikes for each step.

    Raises:
        ValueError: the network uses spike times.
    """
    if any(isinstance(module, DynamicThreshold) for module in network.modules()):
        raise ValueError(
            f"{metric}: method must have time steps; got a network of spike times; "
            "choose metric=[spikes_per_neuron,relative_energy], which give its spikes and its latency"
        )


def require_causal(network: nn.Module, metric: str) -> None:
    """Reject a network whose neurons or norms read later steps, since it gives no answer before its last step.

    Raises:
        ValueError: a layer of the network is a PSN, a MaskedPSN whose mask is not complete, or a norm such as TA.
    """
    for name, module in network.named_modules():
        if reads_later_steps(module):
            what = "norm" if isinstance(module, Norm) else "neuron"
            raise ValueError(
                f"{metric}: {what} must not read later steps, since the network is to answer before its last step; got "
                f"{type(module).__name__} in {name}; choose another {what}"
            )

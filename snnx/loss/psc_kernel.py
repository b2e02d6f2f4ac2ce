"""The loss of TSSL-BP: the output spikes should cause the currents that a given pattern of spikes would cause."""

from collections.abc import Sequence
from math import inf

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PSCKernel(nn.Module):
    """Half of the squared distance between the currents of the output spikes and those of the wanted spikes.

        a[t]   = a[t-1] + (y[t] - a[t-1])/tau_s                           post-synaptic current of the output
        w[t]   = w[t-1] + (target[t mod its length] - w[t-1])/tau_s       that of the wanted spikes of the label
        L      = mean over b of 1/2 * sum over t, k of (a[t, b, k] - label[b, k]*w[t])^2,    label[b, k] = 1 or 0

    The outputs must be spikes: use `backbone=chain backbone.votes=1`, or another backbone whose last layer fires.

    Shape:
        outputs `[T, B, K]` and labels `[B]` (or probabilities `[B, K]`) to a scalar.

    Args:
        target: wanted spikes of the label's neuron at each step, 0 or 1, repeated if there are more steps. The authors use
            0 1 1 1 1, and 0 1 from ten steps on.
        tau_s: time constant of the currents in steps, >= 1; that of the neurons.

    Raises:
        ValueError: `target` is empty, or has other numbers than 0 and 1, or `tau_s` is below 1 or infinite.

    Source: Zhang and Li, TSSL-BP, 2020, and the authors' code, stonezwr/TSSL-BP, `functions/loss_f.py`. There, the loss is the
        sum over the samples of a batch, so that a limit on the norm of its gradient is B times as strict.

    Example:
        >>> outputs = torch.tensor([[[0.0, 1.0]], [[1.0, 0.0]]])     # currents with tau_s = 2: 0 0.5, and 0.5 0.25
        >>> PSCKernel(target=[0, 1], tau_s=2)(outputs, torch.tensor([0])).item()      # wanted: 0 0, and 0.5 0
        0.15625
    """

    every_step = True
    needs_spikes = True

    def __init__(self, *, target: Sequence[int] = (0, 1, 1, 1, 1), tau_s: float = 3.0) -> None:
        super().__init__()
        if not target or any(spike not in (0, 1) for spike in target):
            raise ValueError(f"PSCKernel: target must be a list of spikes, 0 or 1; got {list(target)}")
        if not 1 <= float(tau_s) < inf:
            raise ValueError(f"PSCKernel: tau_s must be at least 1 (in time steps) and finite; got {tau_s}")
        self.target, self.tau_s = tuple(target), float(tau_s)

    def forward(self, outputs: Tensor, labels: Tensor) -> Tensor:
        label = F.one_hot(labels, outputs.shape[2]).to(outputs) if labels.ndim == 1 else labels
        distance, squares = torch.zeros_like(outputs[0]), 0.0
        for t, y in enumerate(outputs):
            distance = distance + (y - label * self.target[t % len(self.target)] - distance) / self.tau_s
            squares = squares + distance.square().sum()
        return squares / (2 * outputs.shape[1])

    def extra_repr(self) -> str:
        return f"target={list(self.target)}, tau_s={self.tau_s:g}"

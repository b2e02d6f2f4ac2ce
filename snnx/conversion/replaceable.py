"""A ReLU that can be replaced by integrate-and-fire neurons."""

import torch
from torch import Tensor, nn

from snnx.neuron.if_ import IF


class Replaceable(nn.ReLU):
    """ReLU of the mean current, or integrate-and-fire neurons whose mean output over the steps approximates it.

        y = max(0, mean over t of x[t])                                      while `v_threshold` is None
        h[t] = v[t-1] + x[t],    s[t] = 1 if h[t] >= v_threshold else 0      afterwards
        v[t] = h[t] - v_threshold s[t],    y[t] = v_threshold s[t]

    The layers between activations are affine, so the mean of their outputs over the steps is their output for the mean. A ReLU
    above spiking neurons therefore reads their spike counts, also across a shortcut. An input of one step always gets the
    ReLU; training computes gradients on such an input. Spikes pass no gradient.

    Shape:
        `[T, B, *]` to `[1, B, *]` while it is a ReLU, and to `[T, B, *]` when it fires.

    Attributes:
        v_threshold: potential at which the neurons fire, > 0; it is also the value of a spike.

    Source: Wu et al., Progressive Tandem Learning, 2022, and the authors' code, deepspike/progressive_tandem_learning,
        `functional.py`. There, potentials, thresholds and biases are T times smaller, and the layers above get the counts
        without the factor v_threshold / T, which their batch norms have to find.

    Example:
        >>> layer, x = Replaceable(), torch.tensor([1.5, 0.0, 0.0]).view(3, 1, 1)
        >>> layer(x).flatten().tolist()
        [0.5]
        >>> layer.v_threshold = 0.75
        >>> layer(x).flatten().tolist()                                      # two spikes of 0.75: a mean of 0.5
        [0.75, 0.75, 0.0]
    """

    def __init__(self) -> None:
        super().__init__()
        self.v_threshold: float | None = None

    def forward(self, x: Tensor) -> Tensor:
        if len(x) == 1:
            return super().forward(x)
        if self.v_threshold is None:
            return super().forward(x.mean(0, keepdim=True))
        with torch.no_grad():
            return self.v_threshold * IF(v_threshold=self.v_threshold, v_reset=None)(x)

"""Scores as the spikes of one last layer of neurons, earlier ones weighing more."""

from collections.abc import Callable
from math import inf

import torch
from torch import Tensor

from snnx.decoding.temporal_weighted import TemporalWeighted
from snnx.neuron.node import Node


class WeightedSpikes(TemporalWeighted):
    """The read-out drives one more neuron layer: `score[b, k] = scale * sum over t of gamma^-t * s[t, b, k]`.

    Few steps make equal scores common. In evaluation the potential at firing, `h`, decides between them (for a neuron that
    stayed silent its last one): `sigmoid(h)` of the smallest difference `d` between two weights is added, less than any
    difference between scores of neurons that fire once, or of any with a whole base. With another base, neurons that fire more
    often have sums of weights for scores, which may lie closer, and a potential may then outweigh them.

    In float32 it tells equal scores `c` (before the scale) apart where the sigmoids differ by `2^-21 c/d` or more: with the
    base 2, T steps and one spike at t, by `2^(T - 22 - t)`. Closer ones may stay equal, and from h of about 17 on all do, since
    their sigmoid is 1. Metrics watch the backbone and not this layer: `single_spike` does not see it, and `spikes_per_neuron`
    takes it for a read-out that does not fire, one spike a neuron.

    Shape:
        `[T, B, K]` to `[B, K]`.

    Args:
        neuron: makes one layer of spiking neurons over `[T, B, *]`.
        gamma: base, at least 1.
        scale: factor on the scores, > 0. At 1 one-spike scores lie in [0, 1] and the softmax of ten classes cannot be sure.

    Raises:
        ValueError: `gamma` is below 1, `scale` is not positive and finite, or the neuron does not spike.

    Source: ETTFS, Eqs 22 and 23, with the scale that its text mentions without a number.

    Example:
        >>> from snnx.neuron.ttfs import TTFS
        >>> decoding = WeightedSpikes(neuron=TTFS, scale=10)
        >>> y = torch.tensor([[[1.0, 0.5, 0.6]], [[1.0, 0.5, 0.6]]])
        >>> decoding(y).tolist()
        [[10.0, 5.0, 5.0]]
        >>> _ = decoding.eval().sn.reset()
        >>> [round(score, 2) for score in decoding(y)[0].tolist()]
        [13.66, 8.66, 8.84]
    """

    def __init__(self, *, neuron: Callable[[], Node], gamma: float = 2.0, scale: float = 10.0) -> None:
        super().__init__(gamma=gamma)
        self.scale = float(scale)
        if not 0 < self.scale < inf:
            raise ValueError(f"WeightedSpikes: scale must be positive and finite; got {scale}")
        self.sn = neuron()
        if not isinstance(self.sn, Node):
            raise ValueError(
                f"WeightedSpikes: neuron must be a spiking one; got {type(self.sn).__name__}: choose "
                "decoding=temporal_weighted, which reads values"
            )

    def forward(self, y: Tensor) -> Tensor:
        if self.training:
            return self.scale * super().forward(self.sn(y))
        potentials: list[Tensor] = []
        self.sn.probe = lambda h, s: potentials.append(h)
        s = self.sn(y)
        self.sn.probe = None
        (h,) = potentials
        when = torch.where(s.any(0), s.argmax(0), len(s) - 1)  # of the first spike
        at_firing = h.gather(0, when[None])[0]
        weights = torch.cat([self.weights(s), torch.zeros(1, device=s.device)])
        gap = weights.unique().diff().min()
        return self.scale * (super().forward(s) + gap * at_firing.sigmoid())

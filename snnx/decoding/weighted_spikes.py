"""Scores as the spikes of one last layer of neurons, earlier ones weighing more."""

from collections.abc import Callable

import torch
from torch import Tensor

from snnx.decoding.temporal_weighted import TemporalWeighted
from snnx.neuron.node import Node


class WeightedSpikes(TemporalWeighted):
    """The read-out drives one more neuron layer: `score[b, k] = scale * sum over t of gamma^-t * s[t, b, k]`.

    Few steps make equal scores common. In evaluation the potential at firing, `h`, decides between them (for a neuron that
    stayed silent its last one): `sigmoid(h)` of the smallest difference between two weights is added, less than any difference.

    Shape:
        `[T, B, K]` to `[B, K]`.

    Args:
        neuron: makes one neuron layer over `[T, B, *]`.
        gamma: base, at least 1.
        scale: factor on the scores, > 0. At 1 one-spike scores lie in [0, 1] and the softmax of ten classes cannot be sure.

    Raises:
        ValueError: `gamma` is below 1, or `scale` is not positive.

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
        if not self.scale > 0:
            raise ValueError(f"WeightedSpikes: scale must be positive; got {scale}")
        self.sn = neuron()

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

"""A weighted sum of the spikes of one more neuron layer as scores, in which early spikes weigh more."""

from collections.abc import Callable
from math import inf

import torch
from torch import Tensor

from snnx.decoding.temporal_weighted import TemporalWeighted
from snnx.neuron.node import Node


class WeightedSpikes(TemporalWeighted):
    """Feeds the outputs to one more neuron layer and weights its spikes.

        score[b, k] = scale * sum over t of gamma^-t * s[t, b, k]

    With few steps, equal scores are common. In evaluation the potential `h` decides between them: at the first spike, or at the
    last step for a neuron that has not fired. The score then is::

        score[b, k] = scale * (sum over t of gamma^-t * s[t, b, k]  +  d * sigmoid(h[b, k]))

    where `d` is the smallest difference between two weights, 0 included. The added term is smaller than any difference between
    scores of neurons that fire once, and for an integer `gamma` also of neurons that fire more often. For another `gamma`,
    neurons that fire more often may have scores that are closer than `d`, and the potential may then decide wrongly.

    In float32, two equal sums `c` are told apart if their sigmoids differ by at least `2^-21 c/d`: with `gamma = 2` and one
    spike at step t of T, by at least `2^(T - 22 - t)`. Scores that are closer may stay equal, as do all with `h` above about
    17, where the sigmoid is 1. Metrics watch the backbone and not this layer: `single_spike` does not count its spikes, and
    `spikes_per_neuron` counts it as a last layer that does not fire, with one spike per neuron.

    Shape:
        `[T, B, K]` to `[B, K]`.

    Args:
        neuron: makes one layer of spiking neurons for input `[T, B, *]`.
        gamma: base of the weights, at least 1.
        scale: factor on the scores, > 0. With 1 and neurons that fire once, scores are in [0, 1], so that the softmax over ten
            classes can never be confident.

    Raises:
        ValueError: `gamma` is below 1 or infinite, `scale` is not positive and finite, or the neuron does not spike.

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
                f"WeightedSpikes: neuron must be a spiking neuron; got {type(self.sn).__name__}; choose "
                "decoding=temporal_weighted, which reads outputs that are not spikes"
            )

    def forward(self, y: Tensor) -> Tensor:
        if self.training:
            return self.scale * super().forward(self.sn(y))
        potentials: list[Tensor] = []
        self.sn.probe = lambda h, s: potentials.append(h)
        s = self.sn(y)
        self.sn.probe = None
        (h,) = potentials
        when = torch.where(s.any(0), s.argmax(0), len(s) - 1)  # step of the first spike
        at_firing = h.gather(0, when[None])[0]
        weights = torch.cat([self.weights(s), torch.zeros(1, device=s.device)])
        gap = weights.unique().diff().min()
        return self.scale * (super().forward(s) + gap * at_firing.sigmoid())

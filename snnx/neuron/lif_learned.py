"""A leaky neuron whose leak and threshold are learned."""

import torch
from torch import Tensor, nn

from snnx.neuron.node import Node
from snnx.surrogate.surrogate import Surrogate


class LIFLearned(Node):
    """Leaky integrate and fire with a learnable leak and a learnable threshold, one of each per layer.

        h[t] = leak*v[t-1] + x[t]
        s[t] = 1 if h[t] >= level else 0        backward: the surrogate's slope at h/level - 1
        v[t] = h[t] - level*s[t]                the spike is a constant in backward, the threshold `level` is not

    A leak that training has raised above 1 is set back to 1 by `reset`, before the next batch. Shapes are those of `Node`.

    Args:
        leak: share of the potential that remains after one step, at the start of training, in (0, 1].
        v_threshold: threshold at the start of training, > 0; norms are told this number.
        surrogate: see `Node`.

    Raises:
        ValueError: `leak` is not in (0, 1].

    Source: Rathi and Roy, Diet-SNN, 2020, and the authors' code, nitin-rathi/DIET-SNN, `self_models/vgg_spiking.py`, which
        fires only above the threshold. Its slope is `surrogate=damped_triangle`.

    Example:
        >>> neuron = LIFLearned(leak=0.5, v_threshold=2.0)
        >>> neuron(torch.tensor([[1.0], [2.0], [1.0]])).flatten().tolist(), neuron.v.item()        # h: 1 2.5 1.25
        ([0.0, 1.0, 0.0], 1.25)
        >>> [name for name, _ in neuron.named_parameters()]
        ['leak', 'level']
    """

    def __init__(self, *, leak: float = 1.0, v_threshold: float = 1.0, surrogate: Surrogate | None = None) -> None:
        if not 0 < float(leak) <= 1:
            raise ValueError(f"LIFLearned: leak must be in (0, 1]; got {leak}")
        super().__init__(v_threshold=v_threshold, v_reset=None, surrogate=surrogate, detach_reset=True)
        self.leak = nn.Parameter(torch.tensor(float(leak)))
        self.level = nn.Parameter(torch.tensor(self.v_threshold))

    @property
    def v_threshold(self) -> float:
        """The threshold at the start of training. Setting it also sets the present threshold, `level`."""
        return self._v_threshold

    @v_threshold.setter
    def v_threshold(self, value: float) -> None:
        self._v_threshold = value
        if "level" in self._parameters:
            self.level.data.fill_(value)

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        return self.leak * v + x

    def threshold(self, state: Node.State) -> Tensor:
        return self.level

    def fire(self, h: Tensor, state: Node.State) -> Tensor:
        super().fire(h.detach(), state)  # only records the threshold for metrics; its spikes are not used
        return self.surrogate_function(h / self.level - 1)

    def discharge(self, h: Tensor, s: Tensor) -> Tensor:
        return h - self.level * s.detach()

    def reset(self) -> None:
        super().reset()
        with torch.no_grad():
            self.leak.clamp_(max=1.0)

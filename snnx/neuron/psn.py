"""The parallel spiking neuron, which has no reset and computes all time steps at once."""

import torch
from spikingjelly.activation_based import neuron
from spikingjelly.activation_based.surrogate import ATan
from torch import Tensor, nn

from snnx.surrogate.surrogate import Surrogate


class PSN(neuron.PSN):
    """A neuron whose potential at each step is a learned weighted sum of the input of all steps, also of later ones.

        h = W x                               W learned, [T, T]; kaiming uniform at the start
        s = 1 if h + b >= 0 else 0            b learned, one a step; -1 at the start, which is a threshold of 1

    There is no state and no reset. As a step reads later steps, a network of these neurons gives no answer before its last
    step, so `metric=anytime`, `decision` and `early_exit` are refused. So are metrics that need the potential, which
    SpikingJelly's class does not show.

    `v_threshold` is the threshold at the start of training. If it is set, as an attention does, all `b` become its negative.

    Shape:
        input current `[timesteps, B, *]` to spikes of the same shape.

    Args:
        timesteps: number of time steps T, at least 1.
        surrogate: the slope used in place of the step function's derivative; by default ArcTan.

    Raises:
        ValueError: `timesteps` is below 1, or the input has another number of steps.

    Source: Fang et al., Parallel Spiking Neurons with High Efficiency and Ability to Learn Long-term Dependencies, 2023;
        SpikingJelly's `PSN`.

    Example:
        >>> neuron = PSN(timesteps=2)
        >>> _ = neuron.weight.data.copy_(torch.tensor([[1.0, 1.0], [0.0, 1.0]]))
        >>> neuron(torch.tensor([[0.5], [0.6]])).flatten().tolist()             # h: 1.1, 0.6
        [1.0, 0.0]
        >>> neuron.v_threshold = 0.5
        >>> neuron.bias.flatten().tolist(), neuron.v_threshold
        ([-0.5, -0.5], 0.5)
    """

    def __init__(self, *, timesteps: int, surrogate: Surrogate | None = None) -> None:
        if timesteps < 1:
            raise ValueError(f"PSN: timesteps must be at least 1; got {timesteps}")
        super().__init__(timesteps, ATan() if surrogate is None else surrogate)
        self._v_threshold = 1.0

    @property
    def v_threshold(self) -> float:
        return self._v_threshold

    @v_threshold.setter
    def v_threshold(self, value: float) -> None:
        self._v_threshold = float(value)
        nn.init.constant_(self.bias, -self._v_threshold)

    def forward(self, x: Tensor) -> Tensor:
        if len(x) != self.T:
            raise ValueError(f"PSN: input must have timesteps = {self.T} steps; got {len(x)}")
        wide = torch.promote_types(x.dtype, self.weight.dtype)
        return super().forward(x.to(wide)).to(x.dtype)

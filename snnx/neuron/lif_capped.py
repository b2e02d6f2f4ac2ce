"""The neuron of TA-SNN: a spike leaves the potential at the threshold, from which it decays."""

from torch import Tensor

from snnx.neuron.lif import LIF
from snnx.surrogate.surrogate import Surrogate


class LIFCapped(LIF):
    """Leaky integrate and fire whose potential is set to the threshold by a spike, and so never starts a step above it.

        h[t] = (1 - 1/tau)*v[t-1] + x[t]
        s[t] = 1 if h[t] >= v_threshold else 0
        v[t] = h[t]*(1 - s[t]) + v_threshold*s[t]

    Shapes are those of `Node`.

    Args:
        tau: membrane time constant in steps, > 1; 10/7 keeps 0.3 of the potential.
        v_threshold, surrogate, detach_reset: see `Node`.

    Raises:
        ValueError: `tau` is not above 1, or is infinite.

    Source: Yao et al., Temporal-wise Attention Spiking Neural Networks for Event Streams Classification, 2021, by the authors'
        code, BICLab/TA-SNN, `module/LIF.py`, which multiplies by the decay at the end of a step.

    Example:
        >>> import torch
        >>> neuron = LIFCapped(tau=2, v_threshold=0.5)
        >>> neuron(torch.tensor([[2.0], [0.25], [0.125]])).flatten().tolist(), neuron.v.item()       # h: 2 0.5 0.375
        ([1.0, 1.0, 0.0], 0.375)
    """

    def __init__(
        self,
        *,
        tau: float = 10 / 7,
        v_threshold: float = 0.3,
        surrogate: Surrogate | None = None,
        detach_reset: bool = False,
    ) -> None:
        super().__init__(tau=tau, decay_input=False, v_threshold=v_threshold, surrogate=surrogate, detach_reset=detach_reset)

    def discharge(self, h: Tensor, s: Tensor) -> Tensor:
        s = s.detach() if self.detach_reset else s
        return (1.0 - s) * h + self.v_threshold * s

"""A leaky neuron with a delayed soft reset: the threshold is subtracted one step after the spike, after the leak."""

from torch import Tensor

from snnx.neuron.lif import LIF
from snnx.surrogate.surrogate import Surrogate


class LIFDelayed(LIF):
    """Leaky integrate and fire whose soft reset takes place at the next step, after the leak.

        U[t] = beta*U[t-1] + x[t] - v_threshold*s[t-1],    s[t] = 1 if U[t] >= v_threshold else 0

    The code uses the state `v[t] = U[t] - (v_threshold/beta)*s[t]`, so that the last spike need not be stored:

        h[t] = v[t-1] - (v[t-1] - 0)/tau + x[t]           beta = 1 - 1/tau, so that h is U
        v[t] = h[t] - (v_threshold/beta)*s[t]

    An ordinary soft reset, that of `lif` with `v_reset=null` and `decay_input=false`, is followed by the leak, so it takes only
    `beta*v_threshold` from `U[t+1]`. Without a leak (`beta = 1`) the two would be the same.

    Args:
        beta: share of the potential that remains after one step, in (0, 1).
        v_threshold, surrogate, detach_reset: see `Node`.

    Raises:
        ValueError: `beta` is not between 0 and 1.

    Source: On the Future of Training Spiking Neural Networks, Eq 1 and 2. The paper prints no beta, and its neuron fires if
        `U > v_threshold`, where ours fires at equality too.

    Example:
        >>> import torch
        >>> x = torch.full((100, 1), 0.625)
        >>> int(LIFDelayed(beta=0.875)(x).sum())
        50
        >>> int(LIF(tau=8, decay_input=False, v_reset=None)(x).sum())           # the ordinary soft reset
        56
    """

    def __init__(
        self,
        *,
        beta: float = 0.9,
        v_threshold: float = 1.0,
        surrogate: Surrogate | None = None,
        detach_reset: bool = False,
    ) -> None:
        if not 0 < float(beta) < 1:
            raise ValueError(f"LIFDelayed: beta must be between 0 and 1, where 1 is neuron=if neuron.v_reset=null; got {beta}")
        super().__init__(
            tau=1 / (1 - float(beta)), decay_input=False, v_threshold=v_threshold, v_reset=None,
            surrogate=surrogate, detach_reset=detach_reset,
        )  # fmt: skip
        self.beta = float(beta)

    def discharge(self, h: Tensor, s: Tensor) -> Tensor:
        s = s.detach() if self.detach_reset else s
        return h - (self.v_threshold / self.beta) * s

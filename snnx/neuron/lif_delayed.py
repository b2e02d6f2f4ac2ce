"""A leaky neuron with a delayed soft reset: the threshold is subtracted one step after the spike, after the leak."""

from math import inf

import numpy as np
from torch import Tensor

from snnx.neuron.lif import LIF
from snnx.surrogate.surrogate import Surrogate


class LIFDelayed(LIF):
    """Leaky integrate and fire whose soft reset takes place at the next step, after the leak.

        U[t] = beta*U[t-1] + x[t] - v_threshold*s[t-1],    s[t] = 1 if U[t] >= v_threshold else 0
                                                           or 1 if U[t] >  v_threshold, if fire_at_equality is false

    The code uses the state `v[t] = U[t] - (v_threshold/beta)*s[t]`, so that the last spike need not be stored:

        h[t] = v[t-1] - (v[t-1] - 0)/tau + x[t]           beta = 1 - 1/tau, so that h is U
        v[t] = h[t] - (v_threshold/beta)*s[t]

    An ordinary soft reset, that of `lif` with `v_reset=null` and `decay_input=false`, is followed by the leak, so it takes only
    `beta*v_threshold` from `U[t+1]`. Without a leak (`beta = 1`) the two would be the same.

    Args:
        beta: share of the potential that remains after one step, in (0, 1).
        fire_at_equality: whether a potential that equals the threshold fires. If it does not, the potential is compared with
            the next larger number of float32, which is also what metrics see as the threshold.
        v_threshold, surrogate, detach_reset: see `Node`.

    Raises:
        ValueError: `beta` is not between 0 and 1.

    Source: On the Future of Training Spiking Neural Networks, Eq 1 and 2. The paper prints no beta. Its Eq 2 has
        `U > v_threshold`; its text says that the neuron fires when the potential reaches the threshold.

    Example:
        >>> import torch
        >>> x = torch.full((100, 1), 0.625)
        >>> int(LIFDelayed(beta=0.875)(x).sum())
        50
        >>> int(LIF(tau=8, decay_input=False, v_reset=None)(x).sum())           # the ordinary soft reset
        56
        >>> int(LIFDelayed(beta=0.5)(torch.ones(1, 1))), int(LIFDelayed(beta=0.5, fire_at_equality=False)(torch.ones(1, 1)))
        (1, 0)
    """

    def __init__(
        self,
        *,
        beta: float = 0.9,
        v_threshold: float = 1.0,
        surrogate: Surrogate | None = None,
        detach_reset: bool = False,
        fire_at_equality: bool = True,
    ) -> None:
        if not 0 < float(beta) < 1:
            raise ValueError(f"LIFDelayed: beta must be between 0 and 1, where 1 is neuron=if neuron.v_reset=null; got {beta}")
        super().__init__(
            tau=1 / (1 - float(beta)), decay_input=False, v_threshold=v_threshold, v_reset=None,
            surrogate=surrogate, detach_reset=detach_reset,
        )  # fmt: skip
        self.beta = float(beta)
        self.fire_at_equality = fire_at_equality
        self.v_threshold = v_threshold

    @property
    def v_threshold(self) -> float:
        return self._compared_with

    @v_threshold.setter
    def v_threshold(self, value: float) -> None:
        if value == getattr(self, "_compared_with", None) and hasattr(self, "subtracted"):
            return  # else a threshold that is read and set again would grow
        if not 0 < float(value) < inf:
            raise ValueError(f"LIFDelayed: v_threshold must be positive and finite; got {value}")
        self._compared_with = float(value)
        if hasattr(self, "beta"):  # the base class sets the threshold first
            self.subtracted = self._compared_with / self.beta
            if not self.fire_at_equality:
                self._compared_with = float(np.nextafter(np.float32(self._compared_with), np.float32(np.inf)))

    def discharge(self, h: Tensor, s: Tensor) -> Tensor:
        s = s.detach() if self.detach_reset else s
        return h - self.subtracted * s

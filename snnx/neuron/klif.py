"""The k-based leaky integrate-and-fire neuron: a learned gain, and a potential that is never negative."""

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from snnx.neuron.lif import LIF
from snnx.surrogate.surrogate import Surrogate

Form = Literal["after_charge", "before_charge"]


class KLIF(LIF):
    """LIF with one learnable gain `k` per layer and a ReLU.

        h[t] = ReLU(k * leak(x[t], v[t-1]))                     klif_form = after_charge (original, SpikingJelly)
        h[t] = leak(x[t], ReLU(k * v[t-1]))                     klif_form = before_charge (the transformer paper's Eq 5)

    where `leak` is the charge of `LIF`. With `after_charge`, the potential that is compared with the threshold is never
    negative. With `scale_reset`, the potential is divided by `k` at the reset::

        v[t] = (h/k)*(1 - s) + v_reset*s    or    (h - v_threshold*s)/k

    Args:
        k: gain at the start of training.
        scale_reset: whether the reset divides by the gain; only with `after_charge`, where `h` contains the gain.
        klif_form: whether gain and ReLU are applied after the charge or, to the old potential, before it.
        tau, decay_input, v_threshold, v_reset, surrogate, detach_reset: see `LIF`.

    Raises:
        ValueError: `klif_form` is neither of the two, or `scale_reset` is combined with `before_charge`.

    Source: Jiang and Zhang, KLIF, 2023; Direct Training of Spiking Transformers, Eq 5.

    Example:
        >>> x = torch.tensor([[-1.0], [0.5], [1.0]])
        >>> KLIF(tau=2)(x).squeeze().tolist(), KLIF(tau=2, v_threshold=0.5)(x).squeeze().tolist()   # h: 0 0.25 0.625
        ([0.0, 0.0, 0.0], [0.0, 0.0, 1.0])
    """

    def __init__(
        self,
        *,
        k: float = 1.0,
        scale_reset: bool = False,
        klif_form: Form = "after_charge",
        tau: float = 2.0,
        decay_input: bool = True,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        surrogate: Surrogate | None = None,
        detach_reset: bool = False,
    ) -> None:
        super().__init__(
            tau=tau, decay_input=decay_input, v_threshold=v_threshold, v_reset=v_reset,
            surrogate=surrogate, detach_reset=detach_reset,
        )  # fmt: skip
        if klif_form not in get_args(Form):
            raise ValueError(f"KLIF: klif_form must be one of {', '.join(get_args(Form))}; got {klif_form}")
        if scale_reset and klif_form == "before_charge":
            raise ValueError("KLIF: scale_reset must be false with klif_form=before_charge; got true")
        self.after_charge = klif_form == "after_charge"
        self.scale_reset = scale_reset
        self.k = nn.Parameter(torch.tensor(float(k)))

    def charge(self, x: Tensor, v: Tensor) -> Tensor:
        if self.after_charge:
            return torch.relu(self.k * super().charge(x, v))
        return super().charge(x, torch.relu(self.k * v))

    def discharge(self, h: Tensor, s: Tensor) -> Tensor:
        if not self.scale_reset:
            return super().discharge(h, s)
        s = s.detach() if self.detach_reset else s
        if self.v_reset is None:
            return h / self.k - (self.v_threshold / self.k) * s
        return (1.0 - s) * (h / self.k) + self.v_reset * s

"""A layer of neurons that fire at most once, each layer in a time window of its own."""

import torch
from torch import Tensor

from snnx.neuron.node import Node
from snnx.spike_time.clocked import clocked
from snnx.spike_time.closed_form import ClosedForm


class DynamicThreshold(Node):
    """The ReL-PSP neuron with a dynamic firing threshold (DFT), solved instead of simulated.

        V(t) = sum of w_i max(t - t_i, 0)        no leak, no bias, no reset
        theta(t) = 1 - t in the window of its layer, infinite outside
        t = the first time with V(t) >= theta(t), if there is one

    What flows between layers is whether a neuron fired and how early, `m` and `a = 1 - t`, in the place where other networks
    have time. A convolution or a linear layer without a bias, applied to each, gives both sums of `ClosedForm` in one batched
    operation; a maximum over a window, applied to each, keeps the earliest spike. So a backbone that is written for spikes over
    `[T, B, *]` is a network of spike times when it is built with this layer. An input with `m = 0` is a real value: of it
    `a = clip(P, 0, 1)` remains, which is direct coding; and without the plane of `m` the layer is just that, the neuron of the
    ANN whose weights a network of spike times can start from; it "fires" where `a > 0`.

    Shape:
        `[2, B, *]`, holding `sum w_i m_i` and `sum w_i a_i`, to `[2, B, *]`, holding `m` and `a`; `[1, B, *]`, holding
        `sum w_i a_i`, to `[1, B, *]`, holding `a`.

    Args:
        fire_at_end: a neuron whose potential is exactly 0 when its window ends fires at that moment, as Eq 7 has it; each
            neuron with silent inputs is one. If false it is silent, as in the authors' code.
        clip: greatest size of `da/dP` and `da/dW`, > 0; `None` leaves them as they are.

    Attributes:
        window: when the window of this layer begins, in windows.
        times: of the last batch while it is watched, `[1, B, *]`, counted from the first window on; NaN is none.
        steps: of the window, at which potential and threshold are compared, outside training; `None` solves for the time.

    Raises:
        ValueError: `clip` is not positive, or the input does not hold two sums.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Eqs 2 to 7; their `T_w` is 1 here.

    Example:
        >>> layer = torch.nn.Linear(2, 1, bias=False)
        >>> _ = torch.nn.init.constant_(layer.weight, 0.5)
        >>> t = torch.tensor([[0.5, 0.0]])
        >>> DynamicThreshold()(layer(torch.stack([torch.ones(1, 2), 1 - t]))).flatten().tolist()     # (1 + 0.75)/(1 + 1)
        [1.0, 0.875]
    """

    def __init__(self, *, fire_at_end: bool = False, clip: float | None = 11.0) -> None:
        super().__init__()
        if clip is not None and not clip > 0:
            raise ValueError(f"DynamicThreshold: clip must be positive, or null for none; got {clip}")
        self.fire_at_end = fire_at_end
        self.clip = None if clip is None else float(clip)
        self.window = 1
        self.times: Tensor | None = None
        self.steps: int | None = None
        self.path = "closed form"

    def forward(self, x: Tensor) -> Tensor:
        if len(x) == 1:
            out = x.clamp(0, 1)
            if self.probe is not None:
                self.times = torch.where(out > 0, self.window + 1 - out, torch.nan).detach()
                self.probe(x.detach(), (out > 0).to(x.dtype))
            return out
        if len(x) != 2:
            raise ValueError(
                f"DynamicThreshold: x must hold the sums of m and a, [2, B, *]; got {list(x.shape)}; use method=ttfs"
            )
        x = x.to(torch.promote_types(x.dtype, torch.float32))
        if self.steps is None or self.training:
            out = ClosedForm.apply(x, self.fire_at_end, self.clip)
        else:
            out = clocked(x, self.steps, fire_at_end=self.fire_at_end)
        if self.probe is not None:
            fired, activation = out.detach().split(1)
            self.times = torch.where(fired > 0, self.window + 1 - activation, torch.nan)
            self.probe(x.detach().sum(0, keepdim=True), fired)
        return out

    def extra_repr(self) -> str:
        return f"fire_at_end={self.fire_at_end}, clip={self.clip}"

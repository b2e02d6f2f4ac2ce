"""A layer of neurons that fire at most once, in the time window of the layer."""

import torch
from torch import Tensor

from snnx.neuron.node import Node
from snnx.spike_time.clocked import clocked
from snnx.spike_time.closed_form import ClosedForm


class DynamicThreshold(Node):
    """The ReL-PSP neuron with a dynamic firing threshold (DFT), whose spike time is solved for instead of simulated.

        V(t) = sum of w_i max(t - t_i, 0)        no leak, no bias, no reset
        theta(t) = 1 - t in the window of its layer, infinite outside
        t = the first time with V(t) >= theta(t), if there is one

    Layers pass on two planes, where other networks have time steps: `m`, whether a neuron fired, and `a = 1 - t`, how early. A
    convolution or linear layer without bias, applied to both planes, computes both sums of `ClosedForm` in one batched
    operation; max pooling, applied to both, keeps the earliest spike. So a backbone that is written for spikes `[T, B, *]`
    becomes a network of spike times when it is built with this layer.

    An input with `m = 0` may also be a real value, for direct coding; the neuron then computes `a = clip(P, 0, 1)`. Without the
    plane `m`, the layer computes only this. It is then the neuron of the equivalent ANN, and a network of spike times can start
    from the weights of this ANN. For metrics, this neuron fires if `a > 0`.

    Shape:
        `[2, B, *]`, the sums of `w_i m_i` and of `w_i a_i`, to `[2, B, *]`, `m` and `a`; or `[1, B, *]`, the sum of
        `w_i a_i`, to `[1, B, *]`, `a`.

    Args:
        fire_at_end: whether a neuron whose potential is exactly 0 at the end of its window fires there, as in Eq 7; this
            includes every neuron without input. If false, it does not fire, as in the authors' training code.
        clip: largest value of `da/dP` and `da/dW` in backward, > 0; `None` for no limit.

    Attributes:
        window: time at which the window of this layer begins, in windows; `None` for neurons without windows.
        times: spike times of the last batch if the neuron is probed, `[1, B, *]`, counted from the first window; NaN means
            none.
        steps: number of steps in a window at which potential and threshold are compared, outside training; `None` solves for
            the exact time.

    Raises:
        ValueError: `clip` is not positive, or the input does not have one or two planes.

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
            raise ValueError(f"DynamicThreshold: clip must be positive, or null for no limit; got {clip}")
        self.fire_at_end = fire_at_end
        self.clip = None if clip is None else float(clip)
        self.window: int | None = 1
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
                f"DynamicThreshold: x must be the sums of m and a, [2, B, *]; got {list(x.shape)}; use method=ttfs"
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

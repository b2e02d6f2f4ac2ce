"""The exponential kernel of time-to-first-spike codes: the value of a spike as a function of the step at which it is fired."""

from math import inf

import torch
from torch import Tensor, nn

WINDOWS_PER_CONSTANT = 4
"""The initial time constant of a kernel is its window divided by this number; the authors' code has 20 for 80 steps."""


def kernel_values(time_constant: Tensor | float, delay: Tensor | float, duration: int) -> Tensor:
    """Return the value of a spike at each step of a window, the largest first, `[duration]`.

        value[t] = exp(-(t - delay) / time_constant)

    Source: Park et al., 2020 (T2FSNN), and the authors' code, seongsikpark/SNN-neural-coding, `lib_snn.py`, where time constant
        and delay are tc and td.

    Example:
        >>> kernel_values(2.0, 0.0, 3).tolist()                                # 1, e^-0.5, e^-1
        [1.0, 0.606..., 0.367...]
    """
    if not isinstance(time_constant, Tensor):
        time_constant = torch.tensor(time_constant, device="cpu")
    steps = torch.arange(duration, dtype=time_constant.dtype, device=time_constant.device)
    return ((delay - steps) / time_constant).exp()


def first_steps(x: Tensor, values: Tensor) -> Tensor:
    """Return the first step at which x reaches the kernel's value, or `len(values)` if it never does.

    Example:
        >>> first_steps(torch.tensor([2.0, 1.0, 0.7, 0.1]), kernel_values(2.0, 0.0, 3)).tolist()
        [0, 0, 1, 3]
    """
    rising = values.flip(0).to(x.dtype)
    return len(values) - torch.searchsorted(rising, x.contiguous(), right=True)


def as_sent(x: Tensor, values: Tensor) -> Tensor:
    """Return x as one spike transmits it: the largest of the kernel's values that x reaches, or 0.

    Example:
        >>> as_sent(torch.tensor([2.0, 0.7, 0.1]), kernel_values(2.0, 0.0, 3)).tolist()
        [1.0, 0.606..., 0.0]
    """
    return value_at(values.to(x.dtype), first_steps(x, values))


def value_at(values: Tensor, steps: Tensor) -> Tensor:
    """Return the values of spikes at these steps; step `len(values)` means no spike and gives 0.

    Example:
        >>> value_at(torch.tensor([1.0, 0.5]), torch.tensor([1, 0, 2])).tolist()
        [0.5, 1.0, 0.0]
    """
    return torch.cat([values, values.new_zeros(1)])[steps]


class TemporalKernel(nn.Module):
    """An activation whose outputs are the values that one spike of an exponential kernel can have; the kernel is learned.

        t = first step of 0 .. duration - 1 with x >= exp(-(t - delay)/time_constant)
        y = exp(-(t - delay)/time_constant), or 0 if there is no such step
        backward: t = max(0, delay - time_constant*ln(x)), without rounding

    A neuron that fires at its first step with `x` above this kernel therefore transmits exactly y.

    Shape:
        any to the same.

    Args:
        duration: number of steps of the window, at least 1.
        ceiling: largest output at the start of training, > 0 and finite, which is exp(delay/time_constant).

    Raises:
        ValueError: `duration` is not a whole number or below 1, or `ceiling` is not positive and finite.

    Source: Park and Yoon, 2021, and the authors' later code, seongsikpark/TensorFlow-SNNs, `lib_snn/neurons.py`. There, the
        first epochs round to the nearest step; here all round up, as the neuron does. In their code, early epochs allow spikes
        after the window. From a later epoch on, the window limits them, and its last step is `duration`; ours is
        `duration - 1`.

    Example:
        >>> kernel = TemporalKernel(duration=8, ceiling=1.0)                   # time constant 2, delay 0
        >>> kernel(torch.tensor([-1.0, 0.01, 0.7, 5.0])).tolist()
        [0.0, 0.0, 0.606..., 1.0]
    """

    def __init__(self, *, duration: int, ceiling: float) -> None:
        super().__init__()
        if duration % 1 or duration < 1:
            raise ValueError(f"TemporalKernel: duration must be a whole number, at least 1; got {duration}")
        if not 0 < ceiling < inf:
            raise ValueError(f"TemporalKernel: ceiling must be positive and finite; got {ceiling}")
        self.duration = duration
        self.time_constant = nn.Parameter(torch.tensor(duration / WINDOWS_PER_CONSTANT))
        self.delay = nn.Parameter(self.time_constant.detach() * torch.tensor(float(ceiling)).log())

    @property
    def values(self) -> Tensor:
        """The values of the kernel, `[duration]`; they are constants for the gradient."""
        return kernel_values(self.time_constant.detach(), self.delay.detach(), self.duration)

    def forward(self, x: Tensor) -> Tensor:
        values = self.values
        steps = first_steps(x.detach(), values)
        y = value_at(values.to(x.dtype), steps)
        if not torch.is_grad_enabled():
            return y
        exact = (self.delay - self.time_constant * torch.where(y > 0, x, 1.0).log()).clamp(min=0)
        exponent = (self.delay - exact - (steps - exact).detach()) / self.time_constant
        return y * (1 + exponent - exponent.detach())

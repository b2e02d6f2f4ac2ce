"""Tunes the kernels of T2FSNN to the activations that they transmit."""

import torch
from torch import Tensor

from snnx.conversion.kernel import first_steps, kernel_values, value_at

RATES = (10.0, 100.0)
"""Learning rates of the two terms of the time constant: precision, and smallest value."""
SMALLEST = 0.02
"""Quantile of a sample's values that counts as its smallest."""


@torch.no_grad()
def tuned_kernel(time_constant: float, delay: float, x: Tensor, duration: int) -> tuple[float, float]:
    """Return a kernel after one step of tuning on the activations of a batch.

        time_constant += (10*d1 + 100*d2) / time_constant^2
        d1 = mean over positive terms of (x - y)*y*(t - delay)
        d2 = (x_min - y_min)*y_min*(duration - delay)
        delay += mean over samples of (y_max - exp(delay/time_constant))*exp(delay/time_constant) / time_constant

    y is the value that the spike of x sends, and t the step of this spike. x_min is the 2nd percentile of a sample, and y_min
    is `exp(-(duration - delay)/time_constant)`. So a kernel becomes slower if it rounds too much, or if its smallest value is
    below those of the layer. The delay falls if the earliest spikes of the samples leave the start of the window unused: y_max
    is the value of the earliest spikes. The update of the delay uses the new time constant everywhere.

    The authors tune on the spikes of the simulated network, so that y and t contain the errors of the layers before. Here y and
    t are those of x itself, the activation of the network without spikes. Their y is also 0 where a neuron fired, which makes
    its term of d1 0; here y is what the spike sends, as in the paper's equation. And their t counts from the first step of the
    run, where here, as in the paper, it counts from the start of the layer's window.

    Args:
        time_constant, delay: the kernel, in steps.
        x: activations divided by their scale, `[B, *]`.
        duration: number of steps of the window.

    Source: Park et al., 2020 (T2FSNN), section III-B, and the authors' code, seongsikpark/SNN-neural-coding, `lib_snn.py`,
        `train_time_const_fire` and `train_time_delay_fire`.

    Example:
        >>> x = torch.tensor([[0.9, 0.5, 0.2, 0.1]])
        >>> slower, earlier = tuned_kernel(20.0, 0.0, x, 80)
        >>> slower > 20.0, earlier < 0.0
        (True, True)
    """
    x = x.clamp(min=0).flatten(1)
    values = kernel_values(torch.tensor(time_constant, dtype=x.dtype, device=x.device), delay, duration)
    t = first_steps(x, values)
    y = value_at(values, t)
    terms = (x - y) * y * (t - delay)
    d1 = terms[terms > 0].mean().nan_to_num().item()
    y_min = float(torch.tensor((delay - duration) / time_constant).exp())
    d2 = (x.quantile(SMALLEST, dim=1).mean().item() - y_min) * y_min * (duration - delay)
    time_constant += (RATES[0] * d1 + RATES[1] * d2) / time_constant**2
    values = kernel_values(torch.tensor(time_constant, dtype=x.dtype, device=x.device), delay, duration)
    top, y_max = values[0], value_at(values, t.amin(1))
    return time_constant, delay + ((y_max - top) * top / time_constant).mean().item()

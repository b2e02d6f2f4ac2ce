"""Computes spike times and gradient of neurons that fire at most once at a falling threshold, in closed form."""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable


class ClosedForm(torch.autograd.Function):
    """Computes whether and how early a neuron fires from the two sums of its inputs.

    Each layer has a time window of length 1. An input that fires at `t_i` in its window has `m_i = 1` and `a_i = 1 - t_i`; an
    input that does not fire has `m_i = a_i = 0`. The layer computes `W = sum of w_i m_i` and `P = sum of w_i a_i`. When the
    neuron's own window begins, its potential is `P`; from then on it grows by `W` per unit of time, while the threshold falls
    from 1 to 0. They meet at `t = 1 - a`:

        a = 1               where P >= 1                     it is above the threshold at once
        a = (W + P)/(1 + W) where -W < P < 1                 then 1 + W > 0 and 0 < a < 1
        a = 0               elsewhere
        m = 1               where P >= 1 or P > -W           (P >= -W with `fire_at_end`, a spike at t = 1)

    If `1 + W <= 0` and `P < 1`, the potential falls faster than the threshold and never meets it; this is part of the third
    case. No sorting is needed: the windows of layers do not overlap, so all inputs have arrived before the neuron can fire. In
    backward, these factors are limited to `clip` before they multiply the incoming gradient; outside the window they are 0:

        da/dP = 1/(1 + W)        da/dW = (1 - P)/(1 + W)^2 = (1 - a)/(1 + W)

    Together with the backward of the two sums, they are Eqs 9 and 10 of the paper, `dt/dw_i = (t_i - t)/(1 + W)` and
    `dt/dt_i = w_i/(1 + W)`. `m` has no gradient.

    Shape:
        `[2, B, *]`, the sums W and P, to `[2, B, *]`, m and a.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Eqs 6, 7, 9 and 10, written with times
        relative to a window; the clip is from the authors' code.

    Example:
        >>> w, t = torch.tensor([0.5, 0.8]), torch.tensor([0.2, 0.6])
        >>> sums = torch.stack([w.sum(), (w * (1 - t)).sum()]).view(2, 1, 1)
        >>> m, a = ClosedForm.apply(sums, False, None)
        >>> m.item(), round(1 - a.item(), 6)
        (1.0, 0.121739)
    """

    @staticmethod
    def forward(ctx: FunctionCtx, sums: Tensor, fire_at_end: bool, clip: float | None) -> Tensor:
        """Compute the activations.

        Args:
            sums: W and P.
            fire_at_end: see `DynamicThreshold`.
            clip: largest factor in backward, > 0; `None` for no limit.
        """
        slope, level = sums
        missing = (1 - level).clamp_(min=0)  # distance to the threshold when the window begins; 0 if P >= 1
        # where the threshold is not met, the denominator becomes `missing`, so a = 0 and nothing is divided by zero
        closing = 1 + slope
        torch.maximum(closing, missing, out=closing).clamp_(min=torch.finfo(sums.dtype).tiny)
        out = torch.empty_like(sums)
        fired, activation = out
        if fire_at_end:
            fired.copy_((1 + slope >= missing) | (level >= 1))
        torch.sub(1, missing.div_(closing), out=activation)
        if not fire_at_end:
            torch.sign(activation, out=fired)
        ctx.save_for_backward(out, closing)
        ctx.clip = clip
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, None, None]:
        (_, activation), closing = ctx.saved_tensors
        later = 1 - activation
        inside = torch.mul(later, activation).sign_()
        found = torch.empty_like(grad)
        torch.reciprocal(closing, out=found[1])
        torch.mul(later, found[1], out=found[0])
        if ctx.clip is not None:
            found.clamp_(max=ctx.clip)  # both factors are at least 0
        return found.mul_(inside.mul_(grad[1])), None, None

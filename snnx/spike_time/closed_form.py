"""The spike of a neuron that fires at most once against a falling threshold, and its gradient, in closed form."""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable


class ClosedForm(torch.autograd.Function):
    """From the two sums that a neuron has received to whether and how early it fires.

    In the window of its layer, of length 1, an input that fires at `t_i` has the activation `a_i = 1 - t_i`, and `m_i = 1`; one
    that is silent has `a_i = m_i = 0`. With `W = sum of w_i m_i` and `P = sum of w_i a_i`, the potential when the next layer's
    window begins is `P`, it grows by `W` a unit of time from there on, and the threshold falls from 1 to 0. They meet at
    `t = 1 - a`:

        a = 1               where P >= 1                     it is above the threshold already
        a = (W + P)/(1 + W) where -W < P < 1                 then 1 + W > 0 and 0 < a < 1
        a = 0               elsewhere
        m = 1               where P >= 1 or P > -W           (P >= -W with `fire_at_end`, a spike at t = 1)

    Where `1 + W <= 0` and `P < 1`, the potential falls faster than the threshold and never meets it: not in the second case.
    There is no sorting: windows of layers do not overlap, so every input has arrived before the neuron can fire. Backward,
    strictly inside the window only, each factor limited to `clip` before it multiplies what comes from above:

        da/dP = 1/(1 + W)        da/dW = (1 - P)/(1 + W)^2 = (1 - a)/(1 + W)

    which are Eqs 9 and 10, `dt/dw_i = (t_i - t)/(1 + W)` and `dt/dt_i = w_i/(1 + W)`, once they have gone back through the two
    sums. `m` has no gradient.

    Shape:
        `[2, B, *]`, holding W and P, to `[2, B, *]`, holding m and a.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Eqs 6, 7, 9 and 10, in the coordinates of a
        window; the clip is of its authors' code.

    Example:
        >>> w, t = torch.tensor([0.5, 0.8]), torch.tensor([0.2, 0.6])
        >>> sums = torch.stack([w.sum(), (w * (1 - t)).sum()]).view(2, 1, 1)
        >>> m, a = ClosedForm.apply(sums, False, None)
        >>> m.item(), round(1 - a.item(), 6)
        (1.0, 0.121739)
    """

    @staticmethod
    def forward(ctx: FunctionCtx, sums: Tensor, fire_at_end: bool, clip: float | None) -> Tensor:
        slope, level = sums
        missing = (1 - level).clamp_(min=0)  # to the threshold when the window begins; 0 of those that are early
        # where the threshold is not met in time, the greater of the two is `missing`: a = 0 without a division by 1 + W <= 0
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
            found.clamp_(max=ctx.clip)  # both are at least 0
        return found.mul_(inside.mul_(grad[1])), None, None

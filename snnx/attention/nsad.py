"""The nonlinear spiking attention denoiser: each head learns a table that maps an integer score to an integer score."""

import torch
from spikingjelly.activation_based.surrogate import ATan
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from snnx.surrogate.surrogate import Surrogate

LANES = 8  # copies of the sums: most scores are 0, and additions to one address wait for each other; this is six times as fast


class NSAD(nn.Module):
    """Sets attention scores below a learned threshold to 0 and maps the others through a learned curve, rounded to integers.

        g(v) = a1*v + a2*(v - b2)^2 + a3*sigmoid(c3*(v - b3))
        f(v) = g(v) * step(v - u)
        out  = clamp(round(f(v)), 0, v_max)

    Each head has its own `u, a1, a2, a3, b2, b3, c3`. The output is computed once for each integer `v = 0 .. v_max` and then
    looked up for every score, in training too; for inference, only the table has to be stored. In backward, the rounding has
    slope 1; the clamp has slope 1 where `0 <= f <= v_max`, ends included, and 0 elsewhere; `df/dv = g'(v) * step(v - u)` and
    `df/du = -g(v) * surrogate'(v - u)`.

    Training starts with `a1 = 1`, `a2 = a3 = 0`, `b2 = b3 = u` and `c3 = 1`, so that at first the denoiser only applies the
    threshold.

    Shape:
        scores `[*, h, N, N]`, integers in 0..v_max, to scores of the same shape.

    Args:
        heads: number of heads h.
        head_dim: width of a head, which is the largest score that binary queries and keys can have.
        threshold: u at the start of training, at least 0; with 0 the output is the input.
        learn_threshold: whether u is learned; the six other parameters always are.
        v_max: largest score in the table, at least `head_dim`; `None` means `head_dim`.
        surrogate: surrogate of the step, for the gradient of u; by default ArcTan with `alpha = 2`.

    Raises:
        ValueError: `v_max` is below `head_dim`, or `threshold` is negative.

    Source: DS2TA, Eqs 6 and 7. Our copy of the paper lacks the formulas; the three terms, the rounding and the table are
        described in its text. The denoiser needs integer scores, so it is applied before scaling, and `q k^T` must be
        computed first.

    Example:
        >>> denoiser = NSAD(1, 4, threshold=2.0)
        >>> denoiser(torch.tensor([[[0.0, 1.0, 2.0, 4.0]]])).tolist(), denoiser.table().tolist()
        ([[[0.0, 0.0, 2.0, 4.0]]], [[0, 0, 2, 3, 4]])
    """

    needs_spikes = True

    def __init__(
        self,
        heads: int,
        head_dim: int,
        *,
        threshold: float = 2.0,
        learn_threshold: bool = True,
        v_max: int | None = None,
        surrogate: Surrogate | None = None,
    ) -> None:
        super().__init__()
        v_max = head_dim if v_max is None else v_max
        if v_max < head_dim:
            raise ValueError(
                f"NSAD: v_max must be at least {head_dim}, the width of a head and so the largest score; got {v_max}"
            )
        if threshold < 0:
            raise ValueError(f"NSAD: threshold must be at least 0; got {threshold}")
        self.v_max = v_max
        self.surrogate = ATan() if surrogate is None else surrogate

        def of_each_head(value: float) -> nn.Parameter:
            return nn.Parameter(torch.full((heads,), float(value)))

        self.u = of_each_head(threshold).requires_grad_(learn_threshold)
        self.a1, self.a2, self.a3 = of_each_head(1), of_each_head(0), of_each_head(0)
        self.b2, self.b3, self.c3 = of_each_head(threshold), of_each_head(threshold), of_each_head(1)

    def curve(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return `f(v)`, differentiable in the parameters, and `df/dv`, both `[h, *]` and before rounding and clamp."""
        u, a1, a2, a3, b2, b3, c3 = (
            p.view(-1, *[1] * v.ndim) for p in (self.u, self.a1, self.a2, self.a3, self.b2, self.b3, self.c3)
        )
        passes = self.surrogate(v - u)
        s = torch.sigmoid(c3 * (v - b3))
        g = a1 * v + a2 * (v - b2) ** 2 + a3 * s
        slope = a1 + 2 * a2 * (v - b2) + a3 * c3 * s * (1 - s)
        return g * passes, (slope * passes).detach()

    def table(self) -> Tensor:
        """Return the output for every score, integers `[h, v_max + 1]`."""
        with torch.no_grad():
            return self._values()[0].int()

    def _values(self) -> tuple[Tensor, Tensor]:
        """Return the output and its slope for every score, in float32 because a lower precision would round differently."""
        with torch.autocast("cpu" if self.u.is_meta else self.u.device.type, enabled=False):  # there is none for meta
            f, slope = self.curve(torch.arange(self.v_max + 1, device=self.u.device, dtype=torch.float32))
        within = (f >= 0) & (f <= self.v_max)
        kept = torch.where(within, f, f.detach())
        return kept + (f.round().clamp(0, self.v_max) - f).detach(), slope * within

    def forward(self, scores: Tensor) -> Tensor:
        return _LookUp.apply(scores, *self._values())

    def extra_repr(self) -> str:
        return f"heads={len(self.u)}, v_max={self.v_max}"


class _LookUp(torch.autograd.Function):
    """Looks up `values[head, score]`, in the dtype of the scores; the derivative by the score is `slopes[head, score]`."""

    @staticmethod
    def forward(ctx: FunctionCtx, scores: Tensor, values: Tensor, slopes: Tensor) -> Tensor:
        heads, entries = values.shape
        first = torch.arange(heads, device=scores.device, dtype=torch.int32).view(-1, 1, 1) * entries
        place = (scores.int() + first).flatten()  # int32 is large enough and is read faster than int64
        ctx.save_for_backward(place, slopes)
        return values.flatten().to(scores.dtype).index_select(0, place).view(scores.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        place, slopes = ctx.saved_tensors
        by_score = slopes.flatten().to(grad.dtype).index_select(0, place).view(grad.shape) * grad
        lane = torch.arange(grad.shape[-1], device=grad.device, dtype=torch.int32) % LANES * slopes.numel()
        apart = (place.view(grad.shape) + lane).flatten()
        sums = torch.zeros(LANES * slopes.numel(), device=grad.device).index_add_(0, apart, grad.flatten().float())
        return by_score, sums.view(LANES, *slopes.shape).sum(0), None

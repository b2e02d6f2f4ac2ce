"""The Dspike surrogate, the slope of a hyperbolic tangent that is cut off."""

from math import tanh

import torch
from spikingjelly.activation_based.surrogate import SurrogateFunctionBase, heaviside
from torch import Tensor


class Dspike(SurrogateFunctionBase):
    """A step function whose slope in backward is that of a hyperbolic tangent, which rises by 1 between `-reach` and `reach`.

        s     = 1 if x >= 0 else 0,   x = h - v_threshold
        ds/dx = alpha * (1 - tanh(alpha*x)^2) / (2*tanh(alpha*reach))   where |x| <= reach, else 0

    Shape:
        any to the same, in the same dtype.

    Args:
        alpha: steepness, > 0; the slope at the threshold is `alpha / (2*tanh(alpha*reach))`.
        reach: largest distance to the threshold at which there is a slope, > 0.

    Raises:
        ValueError: `alpha` or `reach` is not positive.

    Source: Li et al., Differentiable Spike, 2021, in the form of the code of Li et al., SEENN and DT-SNN, 2023
        (Intelligent-Computing-Lab-Yale/SEENN, `models/layers.py`), where both numbers are gamma, 3.

    Example:
        >>> x = torch.tensor([0.0, 0.5, -4.0], requires_grad=True)
        >>> s = Dspike()(x); s.sum().backward(); (s.tolist(), [round(slope, 4) for slope in x.grad.tolist()])
        ([1.0, 1.0, 0.0], [1.5, 0.2711, 0.0])
    """

    def __init__(self, alpha: float = 3.0, reach: float = 3.0) -> None:
        super().__init__()
        for name, value in (("alpha", alpha), ("reach", reach)):
            if not float(value) > 0:
                raise ValueError(f"Dspike: {name} must be positive; got {value}")
        self.alpha, self.reach = float(alpha), float(reach)

    def forward(self, x: Tensor) -> Tensor:
        return _Dspike.apply(x, self.alpha, self.reach)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}, reach={self.reach}"


class _Dspike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, alpha: float, reach: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.alpha, ctx.reach = alpha, reach
        return heaviside(x)

    @staticmethod
    def backward(ctx, grad: Tensor):
        (x,) = ctx.saved_tensors
        height = ctx.alpha / (2 * tanh(ctx.alpha * ctx.reach))
        slope = height * (1 - torch.tanh(ctx.alpha * x).square())
        return grad * slope * (x.abs() <= ctx.reach), None, None

"""The triangle surrogate with a height of its own, which dampens the gradient from layer to layer."""

import torch
from spikingjelly.activation_based.surrogate import SurrogateFunctionBase, heaviside
from torch import Tensor


class DampedTriangle(SurrogateFunctionBase):
    """A step function whose slope in backward is a triangle of any height.

        s     = 1 if x >= 0 else 0,   x = h - v_threshold
        ds/dx = height * max(0, 1 - alpha*|x|)

    Shape:
        any to the same, in the same dtype.

    Args:
        alpha: steepness, > 0; there is a slope where `|x| < 1/alpha`.
        height: slope at the threshold, > 0.

    Raises:
        ValueError: `alpha` or `height` is not positive.

    Source: Bellec et al., 2018, with a height of 0.3; so in the code of BNTT, Diet-SNN and Hybrid training.

    Example:
        >>> x = torch.tensor([0.0, 0.5, -2.0], requires_grad=True)
        >>> s = DampedTriangle(height=0.25)(x); s.sum().backward(); (s.tolist(), x.grad.tolist())
        ([1.0, 1.0, 0.0], [0.25, 0.125, 0.0])
    """

    def __init__(self, alpha: float = 1.0, height: float = 0.3) -> None:
        super().__init__()
        for name, value in (("alpha", alpha), ("height", height)):
            if not float(value) > 0:
                raise ValueError(f"DampedTriangle: {name} must be positive; got {value}")
        self.alpha, self.height = float(alpha), float(height)

    def forward(self, x: Tensor) -> Tensor:
        return _DampedTriangle.apply(x, self.alpha, self.height)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}, height={self.height}"


class _DampedTriangle(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, alpha: float, height: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.alpha, ctx.height = alpha, height
        return heaviside(x)

    @staticmethod
    def backward(ctx, grad: Tensor):
        (x,) = ctx.saved_tensors
        return grad * ctx.height * (1 - ctx.alpha * x.abs()).clamp(min=0), None, None

"""The fast sigmoid surrogate of SuperSpike, whose `alpha` is a width."""

import torch
from spikingjelly.activation_based.surrogate import SurrogateFunctionBase, heaviside
from torch import Tensor


class FastSigmoid(SurrogateFunctionBase):
    """A step function whose slope in backward falls with the square of the distance to the threshold.

        s     = 1 if x >= 0 else 0,   x = h - v_threshold
        ds/dx = 1 / (1 + alpha*|x|)^2

    SpikingJelly's SuperSpike has the slope `alpha/(1 + |x|)^2`: there `alpha` scales the height. Here it scales the width, and
    the slope at the threshold is always 1.

    Shape:
        any to the same, in the same dtype.

    Args:
        alpha: steepness, > 0; at `|x| = 1/alpha` the slope is 1/4.

    Raises:
        ValueError: `alpha` is not positive.

    Source: Zenke and Ganguli, SuperSpike, 2018; Zenke and Vogels, 2021, who use `alpha = 10`.

    Example:
        >>> x = torch.tensor([0.0, 0.1, -0.1], requires_grad=True)
        >>> s = FastSigmoid()(x); s.sum().backward(); (s.tolist(), x.grad.tolist())
        ([1.0, 1.0, 0.0], [1.0, 0.25, 0.25])
    """

    def __init__(self, alpha: float = 10.0) -> None:
        super().__init__()
        if not float(alpha) > 0:
            raise ValueError(f"FastSigmoid: alpha must be positive; got {alpha}")
        self.alpha = float(alpha)

    def forward(self, x: Tensor) -> Tensor:
        return _FastSigmoid.apply(x, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class _FastSigmoid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, alpha: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.alpha = alpha
        return heaviside(x)

    @staticmethod
    def backward(ctx, grad: Tensor):
        (x,) = ctx.saved_tensors
        return grad / (1 + ctx.alpha * x.abs()).square(), None

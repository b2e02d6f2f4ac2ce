"""Muon: convolutions are updated by an orthogonal matrix, all other parameters by SGD."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.optim import Optimizer

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


class Muon(Optimizer):
    """Makes the update of each convolution orthogonal, and keeps the norm of its weights; other parameters get Nesterov's SGD.

    For the weights W of a convolution, as a matrix [channels out, inputs], and their gradient G:

        M = momentum M + G,   U = G + momentum M
        W = sqrt(channels out) W / |W|
        W = W - lr orthogonal(U)

    `orthogonal` sets all singular values of a matrix to about 1; see `orthogonal`. For other parameters p with gradient g:

        g = g + weight_decay p,   m = momentum_other m + g,   p = p - lr_other (g + momentum_other m)

    Args:
        params: the parameters, or groups of them.
        lr: learning rate of convolutions, > 0.
        momentum: momentum of convolutions, in [0, 1).
        lr_other: learning rate of the other parameters, > 0; a schedule multiplies it by the same factor as `lr`.
        momentum_other: momentum of the other parameters, in [0, 1).
        weight_decay: of the other parameters, at least 0; of those with two or more dimensions only, by `Method`.

    Raises:
        ValueError: an argument is out of range.

    Source: Jordan et al., Muon, 2024, and Jordan, airbench, whose steps for CIFAR-10 these are. `torch.optim.Muon` takes
        matrices only, and does not keep their norm.

    Example:
        >>> weight = torch.nn.Parameter(torch.ones(2, 1, 1, 2))
        >>> optimizer = Muon([weight], lr=0.1)
        >>> (weight * torch.tensor([[1.0, 0.0], [0.0, 3.0]]).view(2, 1, 1, 2)).sum().backward()
        >>> optimizer.step()
        >>> weight.view(2, 2).tolist()          # each was scaled to 1/sqrt(2) = 0.707; the update is nearly the identity
        [[0.6..., 0.7...], [0.7..., 0.6...]]
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict],
        *,
        lr: float = 0.12,
        momentum: float = 0.6,
        lr_other: float = 0.05,
        momentum_other: float = 0.9,
        weight_decay: float = 5e-4,
    ) -> None:
        for name, value in (("lr", lr), ("lr_other", lr_other)):
            if not value > 0:
                raise ValueError(f"Muon: {name} must be positive; got {value}")
        for name, value in (("momentum", momentum), ("momentum_other", momentum_other)):
            if not 0 <= value < 1:
                raise ValueError(f"Muon: {name} must be in [0, 1); got {value}")
        if weight_decay < 0:
            raise ValueError(f"Muon: weight_decay must be at least 0; got {weight_decay}")
        super().__init__(
            params,
            {
                "lr": lr, "momentum": momentum, "other": lr_other / lr, "momentum_other": momentum_other,
                "weight_decay": weight_decay,
            },
        )  # fmt: skip

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Update all parameters that have a gradient; return what `closure` returns, if there is one."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                if not self.state[p]:
                    self.state[p]["momentum"] = torch.zeros_like(p)
                buffer = self.state[p]["momentum"]
                if p.ndim == 4:
                    momentum, g = group["momentum"], p.grad
                    update = g.add(buffer.mul_(momentum).add_(g), alpha=momentum)
                    p.mul_(len(p) ** 0.5 / p.norm())
                    p.sub_(orthogonal(update.flatten(1)).view_as(p), alpha=group["lr"])
                else:
                    momentum, g = group["momentum_other"], p.grad.add(p, alpha=group["weight_decay"])
                    p.sub_(g.add(buffer.mul_(momentum).add_(g), alpha=momentum), alpha=group["lr"] * group["other"])
        return loss


def orthogonal(matrix: Tensor, steps: int = 3) -> Tensor:
    """Return a matrix with approximately the same singular vectors as `matrix`, and singular values near 1.

    This is Newton and Schulz's iteration:

        X = matrix / |matrix|,   then `steps` times   A = X X^T,   X = 3.4445 X + (-4.7750 A + 2.0315 A A) X

    It computes in bfloat16.

    Shape:
        `[m, n]` to the same.

    Source: Jordan et al., Muon, 2024.

    Example:
        >>> torch.linalg.svdvals(orthogonal(torch.diag(torch.tensor([1.0, 2.0, 3.0])), steps=5)).round(decimals=1).max() < 1.3
        tensor(True)
    """
    a, b, c = COEFFICIENTS
    x = matrix.bfloat16()
    x = x / (x.norm() + 1e-7)
    if tall := len(x) > x.shape[1]:
        x = x.T
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(matrix.dtype)

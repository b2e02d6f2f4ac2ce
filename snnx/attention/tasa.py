"""Temporally attenuated spatiotemporal attention: what comes in at a step also counts, weaker, at the next ones."""

from typing import Literal

import torch
from torch import Tensor, nn

DECAYS = ("geometric", "constant", "per_tau")
K_MAX = 7  # 2^-7 of a spike is below what 8 bits of a current resolve


class TASA(nn.Module):
    """A causal filter over the last `window` steps, whose taps are powers of two.

        y[t]  = sum over tau = 0 .. window-1 of beta[tau] * x[t - tau],     x[t < 0] = 0
        beta  = 1 for tau = 0;  2^(-k * tau) geometric,  2^-k constant,  2^(-k[tau]) per_tau
        k     = clamp(round(kappa), 0, 7)                                   backward: dk/dkappa = 1

    Before a linear layer it is that layer with the delayed weights `w[tau] = beta[tau] * w[0]`, since
    `W (sum of beta[tau] x[t - tau]) = sum of beta[tau] W x[t - tau]`: no weights but `kappa`. A product with a T x T matrix.

    Shape:
        `[T, *]` to the same.

    Args:
        timesteps: T, which bounds the window.
        window: steps that count, 1 to T; with 1 there is nothing to learn and y is x.
        k: of `beta` at the start of training, 0 to 7.
        decay: `geometric`, `constant` or `per_tau`, where every delay has a `k` of its own.

    Raises:
        ValueError: `window` is not in 1..T, `k` not in 0..7, or `decay` none of the three.

    Source: DS2TA, Eqs 1, 4 and 5. The formulas are lost in our copy; `geometric` is derived from the text: all factors are
        powers of two, attenuation grows with the delay, one learnable integer a layer. The others are the alternatives.

    Example:
        >>> TASA(timesteps=4, window=3, k=2)(torch.tensor([[1.0], [0.0], [0.0], [0.0]])).flatten().tolist()
        [1.0, 0.25, 0.0625, 0.0]
        >>> TASA(timesteps=4, window=3, k=2, decay="constant").taps().tolist()
        [1.0, 0.25, 0.25]
    """

    def __init__(
        self,
        *,
        timesteps: int,
        window: int = 3,
        k: int = 2,
        decay: Literal["geometric", "constant", "per_tau"] = "geometric",
    ) -> None:
        super().__init__()
        if not 1 <= window <= timesteps:
            raise ValueError(f"TASA: window must lie in 1..{timesteps}, the time steps; got {window}")
        if not 0 <= k <= K_MAX:
            raise ValueError(f"TASA: k must lie in 0..{K_MAX}; got {k}")
        if decay not in DECAYS:
            raise ValueError(f"TASA: decay must be one of {', '.join(DECAYS)}; got {decay}")
        self.window = window
        self.decay = decay
        if window > 1:
            self.kappa = nn.Parameter(torch.full((window - 1 if decay == "per_tau" else 1,), float(k)))

    def taps(self) -> Tensor:
        """`beta`, `[window]`."""
        if self.window == 1:
            return torch.ones(1)
        k = self.kappa + (self.kappa.round().clamp(0, K_MAX) - self.kappa).detach()
        delay = torch.arange(1, self.window, device=k.device) if self.decay == "geometric" else torch.ones_like(k)
        return torch.cat([torch.ones_like(k[:1]), torch.exp2(-k * delay).expand(self.window - 1)])

    def forward(self, x: Tensor) -> Tensor:
        if self.window == 1:
            return x
        steps = torch.arange(len(x), device=x.device)
        lag = steps.view(-1, 1) - steps
        matrix = self.taps()[lag.clamp(0, self.window - 1)] * ((lag >= 0) & (lag < self.window))
        return (matrix.to(x.dtype) @ x.flatten(1)).view(x.shape)

    def extra_repr(self) -> str:
        return f"window={self.window}, decay={self.decay}"

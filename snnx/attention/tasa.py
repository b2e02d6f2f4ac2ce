"""Temporally attenuated spatiotemporal attention: the input of a step also counts at the next steps, with a smaller weight."""

from typing import Literal

import torch
from torch import Tensor, nn

DECAYS = ("geometric", "constant", "per_tau")
K_MAX = 7  # a current of 8 bits cannot hold less than 2^-7 of a spike


class TASA(nn.Module):
    """A causal filter over the last `window` time steps whose weights are powers of two.

        y[t]  = sum over tau = 0 .. window-1 of beta[tau] * x[t - tau],     x[t < 0] = 0
        beta  = 1 for tau = 0;  2^(-k * tau) geometric,  2^-k constant,  2^(-k[tau]) per_tau
        k     = clamp(round(kappa), 0, 7)                                   backward: dk/dkappa = 1

    The filter followed by a linear layer `W` equals the paper's layer with delayed weights `W[tau] = beta[tau] * W`, because
    `W (sum of beta[tau] x[t - tau]) = sum of beta[tau] W x[t - tau]`. So `kappa` is the only parameter. The sum over steps is
    computed as a product with a T x T matrix.

    Shape:
        `[T, *]` to the same.

    Args:
        timesteps: number of steps T.
        window: number of steps that count, the present one included, in 1..T; with 1 the output is the input.
        k: exponent of `beta` at the start of training, an integer in 0..7.
        decay: `geometric`, `constant`, or `per_tau`, which learns one `k` for each delay.

    Raises:
        ValueError: `window` is not in 1..T, `k` is not in 0..7, or `decay` is not one of the three.

    Source: DS2TA, Eqs 1, 4 and 5. Our copy of the paper lacks the formulas. `geometric` follows from its text: all factors are
        powers of two, the attenuation grows with the delay, and each layer learns one integer. The other two decays are
        alternatives of ours.

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
            raise ValueError(f"TASA: window must be between 1 and timesteps = {timesteps}; got {window}")
        if not 0 <= k <= K_MAX:
            raise ValueError(f"TASA: k must be between 0 and {K_MAX}; got {k}")
        if decay not in DECAYS:
            raise ValueError(f"TASA: decay must be one of {', '.join(DECAYS)}; got {decay}")
        self.window = window
        self.decay = decay
        if window > 1:
            self.kappa = nn.Parameter(torch.full((window - 1 if decay == "per_tau" else 1,), float(k)))

    def exponent(self) -> Tensor:
        """Return the integer `k` of the layer, or of each delay, with the gradient of `kappa`; the window must be above 1."""
        return self.kappa + (self.kappa.round().clamp(0, K_MAX) - self.kappa).detach()

    def taps(self) -> Tensor:
        """Return the weights `beta`, `[window]`."""
        if self.window == 1:
            return torch.ones(1)
        k = self.exponent()
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

"""Population coding: each channel has overlapping Gaussian receptive fields, and each field fires once."""

import torch
from torch import Tensor

from snnx.encoding.encoding import Encoding
from snnx.encoding.spike_at import spike_at


class Gaussian(Encoding):
    """Encodes a pixel by N fields; the closer its value is to the centre of a field, the earlier that field fires.

        mu_i  = x_min + (2i - 3) * (x_max - x_min) / (2 * (N - 2)),   i = 1..N
        sigma = (x_max - x_min) / (beta * (N - 1))        or N - 2, by sigma_denominator
        r_i   = exp(-(x - mu_i)^2 / (2 * sigma^2))
        t_i   = round((1 - r_i) * (T - 1)),  no spike if r_i < r_min

    Pixels of 0 cause spikes too, in the fields near 0.

    Shape:
        `[B, C, H, W]` to `[T, B, C*N, H, W]`, values 0 and 1; field i of channel c is at index `c*N + i - 1`.

    Args:
        timesteps: number of steps T, at least 1.
        in_channels: number of channels C of the images.
        fields: number of fields N per channel, at least 3.
        beta: narrowness of the fields, > 0, usually 1 to 2.
        x_range: smallest and largest possible value (x_min, x_max) of the data, not of a batch.
        sigma_denominator: `n_minus_1` as printed in the paper, or `n_minus_2` as in Bohte et al.
        r_min: fields with a smaller response do not fire; in [0, 1].

    Raises:
        ValueError: an argument is outside its range, or a value of x is outside `x_range`.

    Source:
        Bohte, Kok and La Poutré 2002; Direct Training of Spiking Transformers, Eq 7.

    Example:
        >>> gaussian = Gaussian(timesteps=10, in_channels=1, fields=8, beta=1.5, x_range=(0, 1),
        ...                     sigma_denominator="n_minus_1", r_min=0.1)
        >>> gaussian.times(torch.full((1, 1, 1, 1), 0.4)).flatten().int().tolist()
        [-1, -1, 6, 0, 8, -1, -1, -1]
    """

    def __init__(
        self,
        *,
        timesteps: int,
        in_channels: int,
        fields: int,
        beta: float,
        x_range: tuple[float, float],
        sigma_denominator: str,
        r_min: float,
    ) -> None:
        super().__init__(timesteps=timesteps, in_channels=in_channels)
        low, high = (float(bound) for bound in x_range)
        denominators = {"n_minus_1": fields - 1, "n_minus_2": fields - 2}
        if fields < 3:
            raise ValueError(f"Gaussian: fields must be at least 3; got {fields}")
        if beta <= 0:
            raise ValueError(f"Gaussian: beta must be positive; got {beta}")
        if low >= high:
            raise ValueError(f"Gaussian: x_range must go from a smaller to a larger value; got {low:g} to {high:g}")
        if sigma_denominator not in denominators:
            raise ValueError(f"Gaussian: sigma_denominator must be n_minus_1 or n_minus_2; got {sigma_denominator}")
        if not 0 <= r_min <= 1:
            raise ValueError(f"Gaussian: r_min must be in [0, 1]; got {r_min}")
        self.out_channels = in_channels * fields
        self.x_range = (low, high)
        self.r_min = float(r_min)
        self.sigma = (high - low) / (beta * denominators[sigma_denominator])
        i = torch.arange(1, fields + 1).view(-1, 1, 1)
        self.register_buffer("mu", low + (2 * i - 3) * (high - low) / (2 * (fields - 2)), persistent=False)

    def times(self, x: Tensor) -> Tensor:
        """Return the step at which each field fires, `[B, C, N, H, W]`; -1 for a field that does not fire."""
        r = (-((x.unsqueeze(2) - self.mu) ** 2) / (2 * self.sigma**2)).exp()
        return ((1 - r) * (self.timesteps - 1)).round().masked_fill_(r < self.r_min, -1.0)

    def forward(self, x: Tensor) -> Tensor:
        self.require_range(x, *self.x_range)
        return spike_at(self.times(x).flatten(1, 2), self.timesteps)

"""An activation that firing rates can represent exactly, because it is bounded and takes a few values only."""

import torch
from torch import Tensor, nn


class Clipped(nn.Module):
    """ReLU with a learned upper bound, rounded to the values that firing rates over `levels` steps can have.

        y = ceiling * clamp(floor(levels*x/ceiling + 1/2) / levels, 0, 1)         backward: floor is the identity
        y = ceiling * clamp(x/ceiling, 0, 1)                                      levels None

    An integrate-and-fire neuron with threshold `ceiling` and initial potential `ceiling/2` fires `levels*y/ceiling` times in
    `levels` steps of a constant current x.

    Shape:
        any to the same.

    Args:
        levels: number of levels above 0, at least 1; `None` does not round.
        ceiling: upper bound at the start of training, > 0; one learned number per layer.

    Raises:
        ValueError: `levels` is below 1, or `ceiling` is not positive.

    Source: Bu et al., 2022 (QCFS), Eq 15 with a shift of 1/2; their ceiling starts at 8.

    Example:
        >>> Clipped(levels=4, ceiling=2.0)(torch.tensor([-1.0, 0.2, 0.3, 1.1, 9.0])).tolist()
        [0.0, 0.0, 0.5, 1.0, 2.0]
    """

    def __init__(self, *, levels: int | None = 8, ceiling: float = 8.0) -> None:
        super().__init__()
        if levels is not None and levels < 1:
            raise ValueError(f"Clipped: levels must be at least 1, or null to not round; got {levels}")
        if not ceiling > 0:
            raise ValueError(f"Clipped: ceiling must be positive; got {ceiling}")
        self.levels = levels
        self.ceiling = nn.Parameter(torch.tensor(float(ceiling)))

    def forward(self, x: Tensor) -> Tensor:
        share = x / self.ceiling
        if self.levels is not None:
            scaled = self.levels * share + 0.5
            share = (scaled + (scaled.floor() - scaled).detach()) / self.levels
        return self.ceiling * share.clamp(0, 1)

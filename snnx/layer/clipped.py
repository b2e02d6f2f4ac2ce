"""An activation that firing rates can represent exactly, because it is bounded and takes a few values only."""

import torch
from torch import Tensor, nn


class Clipped(nn.Module):
    """ReLU with a learned upper bound, rounded to the values that firing rates over `levels` steps can have.

        y = ceiling * floor(levels*clamp(x/ceiling, 0, 1) + 1/2) / levels         backward: floor is the identity
        y = ceiling * clamp(x/ceiling, 0, 1)                                      levels None

    The clamp comes first, so that the gradient is 1 for every x between 0 and the ceiling, even where the output is rounded to
    either end.

    An integrate-and-fire neuron with threshold `ceiling` and initial potential `ceiling/2` fires `levels*y/ceiling` times in
    `levels` steps of a constant current x.

    Shape:
        any to the same.

    Args:
        levels: number of levels above 0, at least 1; `None` does not round.
        ceiling: upper bound at the start of training, > 0; one learned number per layer.

    Raises:
        ValueError: `levels` is below 1, or `ceiling` is not positive.

    Source: Bu et al., 2022 (QCFS), Eq 15 with a shift of 1/2, in the order of their code. Their ceiling starts at 8, and their
        training applies weight decay to it; ours does not.

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
        share = (x / self.ceiling).clamp(0, 1)
        if self.levels is not None:
            share = share + ((self.levels * share + 0.5).floor() / self.levels - share).detach()
        return self.ceiling * share

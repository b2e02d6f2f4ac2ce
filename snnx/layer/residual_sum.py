"""The sum at the end of a residual block."""

from torch import Tensor, nn


class ResidualSum(nn.Module):
    """Adds the shortcut to what the layers of a block have computed, `y = x + shortcut`.

    If a neuron layer behind it computes the sum, see `snnx.neuron.take_norms`, it passes `x` on and hands over the shortcut.

    Shape:
        two inputs of one shape, to the same.

    Example:
        >>> import torch
        >>> ResidualSum()(torch.ones(1), torch.ones(1)).item()
        2.0
    """

    def __init__(self) -> None:
        super().__init__()
        self.taken = False
        """Whether a neuron layer computes the sum."""
        self._shortcut: Tensor | None = None

    def forward(self, x: Tensor, shortcut: Tensor) -> Tensor:
        if not self.taken:
            return x + shortcut
        self._shortcut = shortcut
        return x

    def fits(self, x: Tensor) -> bool:
        """Whether the shortcut of the last forward has the shape and the data type of `x`."""
        return (self._shortcut.shape, self._shortcut.dtype) == (x.shape, x.dtype)

    def hand_over(self) -> Tensor:
        """Return the shortcut of the last forward, once."""
        shortcut, self._shortcut = self._shortcut, None
        return shortcut

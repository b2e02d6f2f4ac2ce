"""The sum at the end of a residual block."""

from torch import Tensor, nn


class ResidualSum(nn.Module):
    """Adds the shortcut to what the layers of a block have computed, `y = x + shortcut`.

    After `snnx.neuron.take_norms`, a neuron layer computes the sum. This module then returns `x`, the input of the norm in
    front of it, and keeps the shortcut until that layer fetches it. Where the two have another shape or data type, it computes
    the norm and the sum itself.

    Shape:
        two inputs of one shape, to the same.

    Example:
        >>> import torch
        >>> ResidualSum()(torch.ones(1), torch.ones(1)).item()
        2.0
    """

    def __init__(self) -> None:
        super().__init__()
        self.taken: tuple[nn.Module, int] | None = None
        """The batch norm in front of the sum and its dimensions behind the channels, if a neuron layer computes both."""
        self._shortcut: Tensor | None = None
        self._added = False

    def forward(self, x: Tensor, shortcut: Tensor) -> Tensor:
        if self.taken is None:
            return x + shortcut
        self._added = (x.shape, x.dtype) != (shortcut.shape, shortcut.dtype)
        if self._added:
            norm, behind = self.taken
            return norm.normalise_any(x, behind) + shortcut
        self._shortcut = shortcut
        return x

    @property
    def waiting(self) -> Tensor | None:
        """The shortcut that the neuron layer has not fetched yet."""
        return self._shortcut

    def fetch(self) -> Tensor | None:
        """Return the shortcut of the last forward pass, and forget it; `None` if that pass has already added it.

        Raises:
            RuntimeError: there was no forward since the last call.
        """
        shortcut, added = self._shortcut, self._added
        self.forget()
        if shortcut is None and not added:
            raise RuntimeError(
                "ResidualSum: must run before the neuron layer that computes it; got a call of that layer alone: call "
                "snnx.neuron.take_norms.release_norms(network) first"
            )
        return shortcut

    def forget(self) -> None:
        """Drop the shortcut, which a forward that failed has left behind."""
        self._shortcut, self._added = None, False

    def __getstate__(self) -> dict:
        return {**super().__getstate__(), "_shortcut": None, "_added": False}  # a copy begins without a shortcut

"""Codes in which the time of a spike carries the value."""

from torch import Tensor

from snnx.encoding.encoding import Encoding


class Temporal(Encoding):
    """A temporal code, in which pixels of one value may carry no information and stay silent.

        S[t] = 0 where x = silent_value, else code(x)[t]

    Shape:
        `[B, C, H, W] -> [T, B, C, H, W]`.

    Args:
        timesteps: T, at least 1.
        in_channels: C.
        silent_value: 0 silences black pixels, 1 white ones, None nobody.

    Raises:
        ValueError: `silent_value` is something else, or x leaves [0, 1].

    Source:
        Direct Training of Spiking Transformers, section 2.4: brighter pixels fire earlier, low ones late or not at all,
        and pure white ones not at all. The last contradicts the first for the brightest pixel, hence the choice.
    """

    def __init__(self, *, timesteps: int, in_channels: int, silent_value: int | None) -> None:
        super().__init__(timesteps=timesteps, in_channels=in_channels)
        if silent_value not in (0, 1, None):
            raise ValueError(f"{type(self).__name__}: silent_value must be 0, 1 or null; got {silent_value}")
        self.silent_value = silent_value

    def code(self, x: Tensor) -> Tensor:
        """The spikes `[T, B, C, H, W]` of `x`, were no pixel silenced; what a subclass defines."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        self.require_range(x)
        spikes = self.code(x)
        return spikes if self.silent_value is None else spikes.masked_fill_(x == self.silent_value, 0.0)

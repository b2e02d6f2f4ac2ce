"""The base class of encodings in which the time of a spike carries the value."""

from torch import Tensor

from snnx.encoding.encoding import Encoding


class Temporal(Encoding):
    """Encodes pixels by `code`, except that pixels with one value may stay silent.

        S[t] = 0 where x = silent_value, else code(x)[t]

    Shape:
        `[B, C, H, W]` to `[T, B, C, H, W]`.

    Args:
        timesteps: number of steps T, at least 1.
        in_channels: number of channels C of the images.
        silent_value: value of the pixels that do not fire: 0 for black, 1 for white, or `None` if all may fire.

    Raises:
        ValueError: `timesteps` is below 1, `silent_value` is not allowed, or a value of x is outside [0, 1].

    Source:
        Direct Training of Spiking Transformers, section 2.4. It says that brighter pixels fire earlier and dark ones late or
        not at all, but also that pure white pixels do not fire, which contradicts the first for the brightest pixel. So both
        are offered.
    """

    def __init__(self, *, timesteps: int, in_channels: int, silent_value: int | None) -> None:
        super().__init__(timesteps=timesteps, in_channels=in_channels)
        if silent_value not in (0, 1, None):
            raise ValueError(f"{type(self).__name__}: silent_value must be 0, 1 or null; got {silent_value}")
        self.silent_value = silent_value

    def code(self, x: Tensor) -> Tensor:
        """Return the spikes `[T, B, C, H, W]` of `x` as if no pixel were silent; a subclass defines this."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        self.require_range(x)
        spikes = self.code(x)
        return spikes if self.silent_value is None else spikes.masked_fill_(x == self.silent_value, 0.0)

"""The base class of codes with one spike per neuron, whose time in the layer's window represents the activation."""

from typing import ClassVar

from torch import Tensor, nn

from snnx.conversion.code.code import Code, require_plain
from snnx.conversion.code.windows import Windows
from snnx.conversion.connect import connect
from snnx.conversion.dendrite import Dendrite
from snnx.conversion.kernel import WINDOWS_PER_CONSTANT, kernel_values
from snnx.conversion.links import Link, links
from snnx.conversion.potential_readout import PotentialReadout
from snnx.conversion.presented import Presented
from snnx.conversion.scaling import Scaling
from snnx.conversion.timed import Once

Kernel = tuple[Tensor | float, Tensor | float]
"""Time constant and delay, in steps."""


class FirstSpike(Code):
    """Every neuron fires at most once, at the first step of its layer's window at which it reaches an exponential kernel.

    Args:
        name: name of the code, for messages.
        scaling, input, piece, channels: see `Phase`.
        windows: when each layer fires.
        timesteps: number of steps of a run.

    Raises:
        ValueError: a setting concerns firing rates.

    Attributes:
        kernels: time constant and delay in steps, by layer, of the last conversion; the key `None` is the input.
    """

    has_thresholds: ClassVar[bool] = False

    def __init__(
        self, name: str, *, scaling: Scaling, input: str, piece: int, channels: int, windows: Windows, timesteps: int
    ) -> None:
        require_plain(name, scaling, input)
        self.name, self.scaling, self.windows, self.timesteps = name, scaling, windows, timesteps
        self.kernels: dict[str | None, tuple[float, float]] = {}
        self.start_kernel = (windows.duration / WINDOWS_PER_CONSTANT, 0.0)
        pixels = Once(windows.rhythm(0, self.start_values.tolist()), Dendrite(lambda step: 1.0, every=timesteps))
        self.encoding = Presented(timesteps=piece, in_channels=channels, neuron=pixels, every=timesteps)
        self.decoding = PotentialReadout(Dendrite(pixels.rhythm, every=timesteps))

    @property
    def start_values(self) -> Tensor:
        """The values of a kernel that has not been tuned."""
        return kernel_values(*self.start_kernel, self.windows.duration)

    def require_fitting(self, links: dict[str, Link], timesteps: int) -> None:
        self.windows.require_fitting(self.name, links, timesteps)

    def connect(self, scaled: nn.Module, in_shape: tuple[int, int, int], kernels: dict[str | None, Kernel]) -> nn.Module:
        """Replace the activations of a network with scaled weights by neurons with these kernels; `None` is the input.

        Raises:
            ValueError: a time constant is not above 0: the value of a spike would rise with its time.
        """
        for name, (constant, _) in kernels.items():
            if not constant > 0:
                raise ValueError(
                    f"Conversion: the time constant of {name or 'the input'} must stay above 0 with code={self.name}; got "
                    f"{float(constant):.4g}; use a longer method.duration, fewer passes of method.tuning (t2fsnn) or a lower "
                    "optimizer.lr (park)"
                )
        self.kernels = {name: (float(constant), float(delay)) for name, (constant, delay) in kernels.items()}
        values = {name: kernel_values(*kernel, self.windows.duration) for name, kernel in kernels.items()}
        found = links(scaled, in_shape)
        in_order = [None, *(link.sink for link in found.values() if link.sink is not None)]
        rhythms = {name: self.windows.rhythm(layer, values[name].tolist()) for layer, name in enumerate(in_order)}
        self.encoding.neuron.rhythm = rhythms[None]
        return connect(scaled, found, in_shape, rhythms, neuron=Once, every=self.timesteps, readout=self.decoding)

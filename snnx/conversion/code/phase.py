"""The phase code: the value of a spike is a power of 1/2 that depends on the phase of a common clock."""

from torch import Tensor, nn

from snnx.conversion.code.code import Batches, Code, require_plain
from snnx.conversion.connect import connect
from snnx.conversion.convert import scale_layers
from snnx.conversion.dendrite import Dendrite
from snnx.conversion.driven import Simulations
from snnx.conversion.links import Link, links
from snnx.conversion.potential_readout import PotentialReadout
from snnx.conversion.presented import Presented
from snnx.conversion.scaling import Scaling
from snnx.conversion.timed import Timed

PERIOD = 8


def of_layers(step: int) -> float:
    """Return the value of a layer's spike at a step: 1, 1/2, ... 2^-7, and again.

    Example:
        >>> [of_layers(step) for step in (0, 1, 7, 8)]
        [1.0, 0.5, 0.0078125, 1.0]
    """
    return 0.5 ** (step % PERIOD)


def of_input(step: int) -> float:
    """Return the value of a pixel's spike at a step: 1/2, 1/4, ... 2^-8, and again.

    Example:
        >>> [of_input(step) for step in (0, 1, 7, 8)]
        [0.5, 0.25, 0.00390625, 0.5]
    """
    return 0.5 ** (1 + step % PERIOD)


class Phase(Code):
    """Neurons that fire if their potential reaches the value of the present phase; each spike has this value.

    Each period of eight steps transmits the image once.

    In a period a pixel sends its eight binary digits, and each bias acts once. The remainder of a pixel after eight digits is
    added to the next period, so that the mean over periods approaches the pixel; in the authors' code it is dropped.

    Args:
        scaling: settings of the scales.
        input: must be `current`, since the code has its own input.
        piece, channels: see `Rate`.

    Raises:
        ValueError: a setting concerns firing rates.

    Source: Kim et al., 2018 (weighted spikes); thresholds as in seongsikpark/SNN-neural-coding, `lib_snn.py`,
        `fire_weighted_spike` and `input_spike_weighted_spike`.
    """

    def __init__(self, *, scaling: Scaling, input: str, piece: int, channels: int) -> None:
        require_plain("phase", scaling, input)
        self.scaling = scaling
        pixels = Timed(of_input, Dendrite(lambda step: 1.0, every=PERIOD))
        self.encoding = Presented(timesteps=piece, in_channels=channels, neuron=pixels, every=PERIOD)
        self.decoding = PotentialReadout(Dendrite(of_layers, every=PERIOD))

    def require_fitting(self, links: dict[str, Link], timesteps: int) -> None:
        from_image: dict[str | None, bool] = {}
        for name, link in links.items():
            if from_image.setdefault(link.sink, link.source is None) != (link.source is None):
                raise ValueError(
                    "Conversion: backbone must not add the image to what layers send with code=phase, since pixels have other "
                    f"phases; got {name}; use code=rate or burst"
                )

    def convert(
        self, folded: nn.Module, in_shape: tuple[int, int, int], batches: Batches, simulations: Simulations
    ) -> tuple[nn.Module, dict[str, Tensor]]:
        found, scales = links(folded, in_shape), self.scaling.of_activations(folded, batches)
        scale_layers(folded, found, scales, scales)
        rhythms = {None: of_input, **dict.fromkeys(scales, of_layers)}
        return connect(folded, found, in_shape, rhythms, neuron=Timed, every=PERIOD, readout=self.decoding), scales

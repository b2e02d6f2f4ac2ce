"""The rate code: the firing rate of a neuron represents its activation."""

from functools import partial
from typing import ClassVar

from torch import Tensor, nn

from snnx.conversion.code.code import Batches, Code
from snnx.conversion.driven import Simulations
from snnx.conversion.scaling import Scaling
from snnx.decoding.running_mean import RunningMean
from snnx.encoding.rate import Rate as Poisson
from snnx.encoding.repeat import Repeat

INPUTS = {"current": Repeat, "poisson": partial(Poisson, eval_seed=0)}


class RateCode(Code):
    """Integrate-and-fire neurons with a soft reset; see `convert`.

    Args:
        scaling: settings of scales and thresholds.
        input: `current`, the image at every step, or `poisson`, spikes with the pixel values as probabilities.
        piece: number of steps that the encoding gives at once.
        channels: number of channels of the images.

    Source: Rueckauer et al., 2017; with `scaling.scales="spikes"`, Han et al., 2020 (RMP-SNN).
    """

    has_rates: ClassVar[bool] = True

    def __init__(self, *, scaling: Scaling, input: str, piece: int, channels: int) -> None:
        self.scaling = scaling
        self.encoding = INPUTS[input](timesteps=piece, in_channels=channels)
        self.decoding = RunningMean()

    def convert(
        self, folded: nn.Module, in_shape: tuple[int, int, int], batches: Batches, simulations: Simulations
    ) -> tuple[nn.Module, dict[str, Tensor]]:
        return self.scaling.convert(folded, in_shape, batches, simulations)

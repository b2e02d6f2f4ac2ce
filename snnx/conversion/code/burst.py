"""The burst code: in a row of spikes, each spike has twice the value of the one before."""

import torch
from torch import Tensor, nn

from snnx.conversion.bursting import Bursting
from snnx.conversion.code.code import Batches, Code, require_plain
from snnx.conversion.convert import scale_layers
from snnx.conversion.driven import Simulations
from snnx.conversion.links import links
from snnx.conversion.presented import Presented
from snnx.conversion.scaling import Scaling
from snnx.decoding.running_mean import RunningMean

OF_LAYERS, OF_INPUT = 0.4, 0.125
"""Value of the first spike of a burst, in layers and in the input, in units of a layer's scale."""


class Burst(Code):
    """Neurons whose threshold doubles with each spike of a burst; the value of a spike is that threshold.

    The image charges the input's neurons at every step, and biases act at every step, as in the rate code. In the authors' code
    biases act at every step too, but the image is loaded at the first step, and again only after a step at which no pixel of
    the batch fires. So there, the image is several times weaker beside the biases: a pixel of 0.8 sends 0.126 per step if it is
    alone. Here it sends 0.8 per step, so that image and biases both have their full weight.

    Args:
        scaling, input, piece, channels: see `Phase`.

    Raises:
        ValueError: a setting concerns firing rates.

    Source: Park et al., 2019 (burst coding), and seongsikpark/SNN-neural-coding, `lib_snn.py` and `run.sh` (the thresholds).
    """

    def __init__(self, *, scaling: Scaling, input: str, piece: int, channels: int) -> None:
        require_plain("burst", scaling, input)
        self.scaling = scaling
        self.encoding = Presented(timesteps=piece, in_channels=channels, neuron=Bursting(v_threshold=OF_INPUT), every=1)
        self.decoding = RunningMean()

    def convert(
        self, folded: nn.Module, in_shape: tuple[int, int, int], batches: Batches, simulations: Simulations
    ) -> tuple[nn.Module, dict[str, Tensor]]:
        scales = self.scaling.of_activations(folded, batches)
        sent = {None: torch.tensor(OF_INPUT).double(), **{name: OF_LAYERS * scale.double() for name, scale in scales.items()}}
        scale_layers(folded, links(folded, in_shape), sent, scales)
        for name in scales:
            folded.set_submodule(name, Bursting(v_threshold=OF_LAYERS))
        return folded, scales

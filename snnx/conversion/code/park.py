"""Park and Yoon's code: one spike per neuron, with kernels that the network was trained with."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from snnx.conversion.code.code import Batches, require_defaults
from snnx.conversion.code.first_spike import FirstSpike
from snnx.conversion.code.windows import Windows
from snnx.conversion.driven import Simulations
from snnx.conversion.kernel import TemporalKernel, as_sent
from snnx.conversion.scaling import Scaling


class Park(FirstSpike):
    """Reads out a network whose activations are `TemporalKernel`s, by one spike per neuron.

    The network is trained on images whose pixels are rounded down to the values of a spike. So if each layer waits
    for all spikes before it fires (`windows.start` equals `windows.duration`), the spiking network computes what the trained
    one does.

    Args:
        scaling, input, piece, channels, windows, timesteps: see `FirstSpike`.

    Raises:
        ValueError: a setting concerns firing rates or scales, which the learned kernels replace.

    Source: Park and Yoon, 2021, Training Energy-Efficient Deep Spiking Neural Networks with Time-to-First-Spike Coding.
    """

    activations: ClassVar[tuple[str, ...]] = ("kernel",)

    def __init__(self, *, scaling: Scaling, input: str, piece: int, channels: int, windows: Windows, timesteps: int) -> None:
        super().__init__(
            "park", scaling=scaling, input=input, piece=piece, channels=channels, windows=windows, timesteps=timesteps
        )
        asked = {
            "percentile": (scaling.percentile, None),
            "percentile_over": (scaling.percentile_over, "nonzero"),
            "per_channel": (scaling.per_channel, False),
            "scale_factor": (scaling.scale_factor, 1.0),
        }
        require_defaults("park", asked, "its kernels are learned and need no scales")

    def transmitted(self, images: Tensor) -> Tensor:
        self.encoding.require_range(images)
        return as_sent(images, self.start_values.to(images))

    def convert(
        self, folded: nn.Module, in_shape: tuple[int, int, int], batches: Batches, simulations: Simulations
    ) -> tuple[nn.Module, dict[str, Tensor]]:
        learned = {name: m for name, m in folded.named_modules() if isinstance(m, TemporalKernel)}
        kernels = {name: (kernel.time_constant.detach(), kernel.delay.detach()) for name, kernel in learned.items()}
        network = self.connect(folded, in_shape, {None: self.start_kernel, **kernels})
        return network, {name: torch.ones(()).to(delay) for name, (_, delay) in kernels.items()}

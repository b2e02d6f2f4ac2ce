"""T2FSNN: one spike per neuron, with a kernel for each layer that is tuned after the training."""

from torch import Tensor, nn

from snnx.conversion.code.code import Batches
from snnx.conversion.code.first_spike import FirstSpike
from snnx.conversion.code.tuned_kernel import tuned_kernel
from snnx.conversion.code.windows import Windows
from snnx.conversion.convert import scale_layers
from snnx.conversion.driven import Simulations
from snnx.conversion.links import links
from snnx.conversion.scaling import Scaling

PASSES = 6
"""The default number of passes over the calibration set in which the kernels are tuned, as in the authors' code."""


class T2FSNN(FirstSpike):
    """Reads out a ReLU network by one spike per neuron.

    Args:
        tuning: passes over the calibration set in which the kernels are tuned; with 0, each keeps its initial
            values: a quarter of its window as time constant, and no delay.
        scaling, input, piece, channels, windows, timesteps: see `FirstSpike`.

    Raises:
        ValueError: a setting concerns firing rates, or `tuning` is below 0.

    The delay of the input is not tuned; the kernel that the authors publish for it has none either.

    Source: Park et al., 2020 (T2FSNN), and seongsikpark/SNN-neural-coding.
    """

    def __init__(
        self, *, scaling: Scaling, input: str, piece: int, channels: int, windows: Windows, timesteps: int, tuning: int
    ) -> None:
        if tuning < 0:
            raise ValueError(f"Conversion: tuning must be at least 0; got {tuning}")
        super().__init__(
            "t2fsnn", scaling=scaling, input=input, piece=piece, channels=channels, windows=windows, timesteps=timesteps
        )
        self.tuning = tuning

    def convert(
        self, folded: nn.Module, in_shape: tuple[int, int, int], batches: Batches, simulations: Simulations
    ) -> tuple[nn.Module, dict[str, Tensor]]:
        scales = self.scaling.of_activations(folded, batches)
        tuned = self._tuned(folded, scales, batches)
        scale_layers(folded, links(folded, in_shape), scales, scales)
        one = next(folded.parameters())
        kernels = {name: (one.new_tensor(constant), delay) for name, (constant, delay) in tuned.items()}
        return self.connect(folded, in_shape, kernels), scales

    def _tuned(self, folded: nn.Module, scales: dict[str, Tensor], batches: Batches) -> dict[str | None, tuple[float, float]]:
        """Return time constant and delay by layer; the key `None` is the input, whose delay stays 0."""
        kernels: dict[str | None, tuple[float, float]] = dict.fromkeys((None, *scales), self.start_kernel)

        def see(name: str | None, x: Tensor) -> None:
            if kernels[name][0] > 0:  # else `connect` refuses it
                constant, delay = tuned_kernel(*kernels[name], x, self.windows.duration)
                kernels[name] = constant, 0.0 if name is None else delay

        hooks = [
            folded.get_submodule(name).register_forward_hook(
                lambda _, x, y, name=name, scale=scale: see(name, y[0] / scale.view(-1, *[1] * (y.ndim - 3)))
            )
            for name, scale in scales.items()
        ]
        for _ in range(self.tuning):
            for images in batches():
                see(None, images)
                folded(images[None])
        for hook in hooks:
            hook.remove()
        return kernels

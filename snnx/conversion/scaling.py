"""Holds and checks the settings of a conversion that concern scales, and converts a network with them."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from snnx.conversion.calibrate import calibrate
from snnx.conversion.convert import convert
from snnx.conversion.driven import Simulations, calibrate_biases, spike_maxima
from snnx.conversion.links import links
from snnx.conversion.spikingjelly import convert_spikingjelly

CHOICES = {"normalise": ("weight", "threshold", "spikingjelly"), "scales": ("activations", "spikes")}


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """The settings that concern scales; `Conversion` explains them.

    Args:
        clipped: whether the activations are `Clipped`; then their ceilings are the scales.

    Raises:
        ValueError: a setting is not one of its choices, is out of range, or cannot be combined with another one.

    Example:
        >>> Scaling(normalise="threshold", per_channel=True)
        Traceback (most recent call last):
        ValueError: Conversion: per_channel must be false with normalise=threshold, which has one scale per layer
    """

    normalise: str = "weight"
    percentile: float | None = None
    percentile_over: str = "nonzero"
    per_channel: bool = False
    scales: str = "activations"
    scale_factor: float = 1.0
    initial: float = 0.0
    bias_calibration: bool = False
    clipped: bool = False

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"Conversion: {name} must be one of {', '.join(choices)}; got {getattr(self, name)}")
        if self.percentile is not None and not 0 < self.percentile <= 100:
            raise ValueError(f"Conversion: percentile must be in (0, 100], or null for the maximum; got {self.percentile}")
        if not 0 <= self.initial < 1:
            raise ValueError(f"Conversion: initial must be a share of the threshold in [0, 1); got {self.initial}")
        if not self.scale_factor > 0:
            raise ValueError(f"Conversion: scale_factor must be positive; got {self.scale_factor}")
        how, per_layer = f"normalise={self.normalise}", (self.percentile, self.per_channel) == (None, False)
        if self.per_channel and self.normalise != "weight":
            raise ValueError(f"Conversion: per_channel must be false with {how}, which has one scale per layer")
        if self.clipped and (self.normalise == "spikingjelly" or not per_layer):
            raise ValueError(
                "Conversion: activation=clipped must go with normalise=weight or threshold, percentile=null and "
                f"per_channel=false, since its ceiling is the scale; got {self.normalise}, {self.percentile} and "
                f"{self.per_channel}"
            )
        if self.scales == "spikes" and (self.clipped or not per_layer):
            raise ValueError(
                "Conversion: scales=spikes must go with activation=relu, percentile=null and per_channel=false, since the "
                f"largest current of a layer is its scale; got {'clipped' if self.clipped else 'relu'}, {self.percentile} "
                f"and {self.per_channel}"
            )
        if self.bias_calibration and self.normalise != "weight":
            raise ValueError(f"Conversion: bias_calibration must go with normalise=weight; got {self.normalise}")
        if self.normalise == "spikingjelly" and (self.scales, self.scale_factor) != ("activations", 1):
            raise ValueError(
                f"Conversion: {how} must go with scales=activations and scale_factor=1, since it computes its own scales; "
                f"got {self.scales} and {self.scale_factor}"
            )

    def convert(
        self,
        folded: nn.Module,
        in_shape: tuple[int, int, int],
        batches: Callable[[], Iterable[Tensor]],
        simulations: Simulations,
    ) -> tuple[nn.Module, dict[str, Tensor]]:
        """Replace the activations of a network by spiking neurons; return it and the scale of each activation.

        Args:
            folded: the network with its batch norms folded; it is changed in place and returned.
            in_shape: `(C, H, W)`.
            batches: its call returns the images of the calibration set.
            simulations: its call returns these images, each with the input of all steps.
        """
        if self.normalise == "spikingjelly":
            return convert_spikingjelly(folded, batches, percentile=self.percentile, initial=self.initial)
        found = links(folded, in_shape)
        scales = self._calibrated(folded, batches)
        if self.scales == "spikes":
            scales = spike_maxima(folded, found, scales, simulations, initial=self.initial)
        scales = {name: self.scale_factor * scale for name, scale in scales.items()}
        without_spikes = copy.deepcopy(folded) if self.bias_calibration else None
        spiking = convert(folded, found, scales, by=self.normalise, initial=self.initial)
        if without_spikes is not None:
            calibrate_biases(without_spikes, spiking, found, scales, simulations)
        return spiking, scales

    def of_activations(self, folded: nn.Module, batches: Callable[[], Iterable[Tensor]]) -> dict[str, Tensor]:
        """Return the scale of each activation, for a code that brings its own neurons."""
        return {name: self.scale_factor * scale for name, scale in self._calibrated(folded, batches).items()}

    def _calibrated(self, folded: nn.Module, batches: Callable[[], Iterable[Tensor]]) -> dict[str, Tensor]:
        how = {"percentile": self.percentile, "over": self.percentile_over, "per_channel": self.per_channel}
        return calibrate(folded, batches, **how)

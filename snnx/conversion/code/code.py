"""The interface of a code: how a converted network represents activations by spikes."""

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from torch import Tensor, nn

from snnx.conversion.driven import Simulations
from snnx.conversion.links import Link
from snnx.conversion.scaling import Scaling
from snnx.decoding.decoding import Decoding
from snnx.encoding.encoding import Encoding

Batches = Callable[[], Iterable[Tensor]]


class Code:
    """How values become spikes in a converted network: in the input, in every layer, and back to scores.

    Attributes:
        encoding: the input's spikes; each call gives the next steps.
        decoding: scores from the outputs of all steps so far.
        activations: the activations of the trained network that the code can represent.
        has_rates: whether the firing rate of a neuron represents its activation.
        has_thresholds: whether a neuron has a threshold at every step; false if it has one in its layer's window only.
    """

    encoding: Encoding
    decoding: Decoding
    activations: ClassVar[tuple[str, ...]] = ("relu", "clipped")
    has_rates: ClassVar[bool] = False
    has_thresholds: ClassVar[bool] = True

    def require_fitting(self, links: dict[str, Link], timesteps: int) -> None:
        """Reject a network or a number of steps that the code cannot take, before anything is trained.

        Raises:
            ValueError: the code cannot take it; one line says what to use.
        """

    def transmitted(self, images: Tensor) -> Tensor:
        """Return the images as the network without spikes reads them."""
        return images

    def convert(
        self, folded: nn.Module, in_shape: tuple[int, int, int], batches: Batches, simulations: Simulations
    ) -> tuple[nn.Module, dict[str, Tensor]]:
        """Replace the activations of a network by spiking neurons; return it and the scale of each activation.

        Args:
            folded: the network with its batch norms folded; it is changed in place and returned.
            in_shape: `(C, H, W)`.
            batches: its call returns the images of the calibration set.
            simulations: its call returns these images, each with the input of all steps.
        """
        raise NotImplementedError


def require_plain(code: str, scaling: Scaling, input: str) -> None:
    """Reject the settings that only the rate code reads.

    Raises:
        ValueError: a setting concerns firing rates; the message lists all such settings.
    """
    asked = {
        "input": (input, "current"),
        "normalise": (scaling.normalise, "weight"),
        "scales": (scaling.scales, "activations"),
        "initial": (scaling.initial, 0.0),
        "bias_calibration": (scaling.bias_calibration, False),
    }
    require_defaults(code, asked, "only code=rate has firing rates")


def require_defaults(code: str, asked: Mapping[str, tuple[object, object]], reason: str) -> None:
    """Reject settings that were changed although the code does not read them.

    Args:
        code: name of the code.
        asked: value and default of each setting.
        reason: end of the message.

    Raises:
        ValueError: a setting has another value; the message lists all such settings.

    Example:
        >>> require_defaults("rate", {"tuning": (3, 6)}, "only code=t2fsnn tunes kernels")
        Traceback (most recent call last):
        ValueError: Conversion: code=rate must go with tuning=6; got 3; only code=t2fsnn tunes kernels
    """
    if wrong := {name: pair for name, pair in asked.items() if pair[0] != pair[1]}:
        needed = ", ".join(f"{name}={_word(default)}" for name, (_, default) in wrong.items())
        got = ", ".join(_word(value) for value, _ in wrong.values())
        raise ValueError(f"Conversion: code={code} must go with {needed}; got {got}; {reason}")


def _word(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

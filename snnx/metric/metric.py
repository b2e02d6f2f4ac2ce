"""What a spiking metric is: one number a layer, step and sample, streamed over the test set."""

from typing import ClassVar

from torch import Tensor, nn

from snnx.attention.self_attention import SelfAttention
from snnx.neuron.node import Node

Table = dict[str, Tensor]
"""Layer name, in network order, to one value a time step, `[T]`."""


class Metric:
    """A metric reads potentials and spikes of one layer and never touches them.

    `over_samples` names the curves that `measure` (or `measure_input`, `measure_output`) returns and how each is reduced over
    samples: "mean", "max", or "example" for what is kept of the rightly classified sample only. Nothing is kept but the
    running reductions and the columns of two samples.
    """

    over_samples: dict[str, str]
    over_time: ClassVar[dict[str, str]] = {}
    """How a curve becomes one number where that is not the mean over its places: `last`."""
    in_pieces: ClassVar[bool] = False
    """Whether a long run may be shown piece by piece of its time: whether what is measured of a step needs no later step."""

    needs_targets: ClassVar[bool] = False
    """Whether the neurons must know the activations that they stand for, as those of a converted network do."""

    first_step: int = 1
    """The step, counted from 1, before which there is nothing to say."""

    formulas: ClassVar[dict[str, str]] = {}
    """How a curve is computed, where a number of it should not stand alone."""

    def begin(self, network: nn.Module) -> None:
        """A test of this network begins; what is not kept by the recorder is forgotten. May refuse the network."""

    def measure(self, h: Tensor, s: Tensor, node: Node) -> dict[str, Tensor]:
        """Curves `[T, B]` of one neuron layer, from its potential before reset and its spikes, both `[T, B, *]`."""
        return {}

    def measure_scores(self, before: Tensor, after: Tensor, attention: SelfAttention) -> dict[str, Tensor]:
        """Curves `[T, B]` of one spiking attention, from its scores before and after a denoiser, both `[T, B, h, N, N]`."""
        return {}

    def measure_input(self, images: Tensor, encoded: Tensor) -> dict[str, dict[str, Tensor]]:
        """Curves of the input, as `{curve: {place: [T, B]}}`, from images `[B, *]` and what they became, `[T, B, *]`."""
        return {}

    def measure_output(self, outputs: Tensor, decoding: nn.Module, labels: Tensor) -> dict[str, dict[str, Tensor]]:
        """Curves of the read-out `[T, B, K]`, as `{curve: {place: [T, B]}}`, with what makes scores of it and labels `[B]`."""
        return {}

    def measure_layer(self, layer: str, module: nn.Conv2d | nn.Linear, x: Tensor) -> dict[str, Tensor]:
        """Curves `[T, B]` of one convolution or linear layer, from its input `[T, B, *]`."""
        return {}

    def finish(self, curves: dict[str, Table]) -> dict[str, Table]:
        """The curves to keep, from the reduced ones of `over_samples`; these, unless a metric makes others of them."""
        return curves

    def gathered(self) -> dict[str, Table]:
        """Curves that a metric which is also a callback of Lightning took from training, one value a place on its own axis."""
        return {}

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        """Scalars that a claim about the curve can be decided by, as `{suffix: value}`."""
        return {}


def rise(table: Table) -> dict[str, float]:
    """Mean over time of the last layer minus that of the layer before; empty for a single layer.

    Example:
        >>> import torch
        >>> rise({"a": torch.tensor([1.0, 3.0]), "b": torch.tensor([4.0, 6.0])})
        {'rise': 3.0}
    """
    means = [float(values.mean()) for values in table.values()]
    return {"rise": means[-1] - means[-2]} if len(means) > 1 else {}

"""The base class of metrics. A metric returns numbers for each layer, time step and sample, reduced over the test set."""

from typing import ClassVar

from torch import Tensor, nn

from snnx.attention.self_attention import SelfAttention

Table = dict[str, Tensor]
"""Maps each layer's name, in the order of the network, to one value per time step, `[T]`."""


class Metric:
    """A metric reads the potentials and spikes of a layer and never changes them.

    `over_samples` names the curves that `measure` and its siblings, such as `measure_input`, return, and how each is reduced
    over samples: "mean", "max", or "example" to keep only the values of the correctly classified example. To save memory, only
    the running reductions and the values of two example samples are kept.
    """

    over_samples: dict[str, str]
    over_time: ClassVar[dict[str, str]] = {}
    """How a curve is reduced over layers and time to one number, for curves where this differs from `over_samples`.

    `last` adds up the layers' values at the last step, and `end` takes their mean, weighted by the neurons of each layer.
    """
    in_pieces: ClassVar[bool] = False
    """Whether the metric also works if a run is measured in pieces of a few steps, because no value depends on later steps."""

    needs_targets: ClassVar[bool] = False
    """Whether it needs the neurons' target rates, which only neurons of a converted network have."""

    needs_potential: ClassVar[bool] = False
    """Whether `measure` reads the potential or the threshold.

    SpikingJelly's own classes do not expose these, so the metric is refused for them.
    """

    needs_thresholds: ClassVar[bool] = False
    """Whether it compares potentials with the threshold of every step.

    A neuron that can fire within a window only has no threshold outside of its window.
    """

    first_step: int = 1
    """The first step, counted from 1, for which the metric has a value."""

    exact: ClassVar[tuple[str, ...]] = ()
    """The curves that training cannot change, such as a statistic of the test images; claims on these need no seeds."""

    formulas: ClassVar[dict[str, str]] = {}
    """Formulas, by curve, printed below the table, for numbers whose name does not say how they are computed."""

    def begin(self, network: nn.Module) -> None:
        """Prepare for a test of this network: forget the previous test, and raise a ValueError if the network does not fit."""

    def measure(self, h: Tensor | None, s: Tensor, node: nn.Module) -> dict[str, Tensor]:
        """Return curves `[T, B]` of a neuron layer, from its potentials before reset and its spikes, both `[T, B, *]`.

        `h` is `None` for SpikingJelly's neurons; a metric with `needs_potential` is refused for them and never gets `None`.
        """
        return {}

    def measure_scores(self, before: Tensor, after: Tensor, attention: SelfAttention) -> dict[str, Tensor]:
        """Return curves `[T, B]` of a spiking attention, from its scores before and after a denoiser, `[T, B, h, N, N]`."""
        return {}

    def measure_input(self, images: Tensor, encoded: Tensor) -> dict[str, dict[str, Tensor]]:
        """Return curves of the input, `{curve: {place: [T, B]}}`, from images `[B, *]` and their encoding `[T, B, *]`."""
        return {}

    def measure_output(self, outputs: Tensor, decoding: nn.Module, labels: Tensor) -> dict[str, dict[str, Tensor]]:
        """Return curves of the outputs `[T, B, K]`, as `{curve: {place: [T, B]}}`, given the decoding and the labels `[B]`."""
        return {}

    def measure_layer(self, layer: str, module: nn.Conv2d | nn.Linear, x: Tensor) -> dict[str, Tensor]:
        """Return curves `[T, B]` of a convolution or linear layer, from its input `[T, B, *]`."""
        return {}

    def correct(self) -> dict[str, Tensor]:
        """Return whether each sample of the batch was classified correctly, `[B]`, by the name of the accuracy in the result.

        For a metric that measures further accuracies, such as that of a network stopped early; claims on these can then be
        decided sample by sample.
        """
        return {}

    def finish(self, curves: dict[str, Table]) -> dict[str, Table]:
        """Compute the final curves from the reduced curves of `over_samples`; by default they are the same."""
        return curves

    def gathered(self) -> dict[str, Table]:
        """Return the curves that a metric recorded outside of `measure`, as a Lightning callback, for example in training."""
        return {}

    def extra(self, curve: str, table: Table) -> dict[str, float]:
        """Return further numbers about a curve, as `{suffix: value}`, which claims can refer to."""
        return {}


def rise(table: Table) -> dict[str, float]:
    """Return the last layer's mean over time minus that of the layer before it; empty for a single layer.

    Example:
        >>> import torch
        >>> rise({"a": torch.tensor([1.0, 3.0]), "b": torch.tensor([4.0, 6.0])})
        {'rise': 3.0}
    """
    means = [float(values.mean()) for values in table.values()]
    return {"rise": means[-1] - means[-2]} if len(means) > 1 else {}

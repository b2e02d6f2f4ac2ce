"""Makes neurons with another threshold than their options set, as some layers of a network need it."""

from collections.abc import Callable
from inspect import signature

from torch import nn

from snnx.norm.norm import threshold_of


def with_threshold(neuron: Callable[[], nn.Module], v_threshold: float, *, name: str) -> nn.Module:
    """Make one neuron layer with this threshold; a layer without a threshold, such as a ReLU, is made as it is.

    The constructor gets the threshold if it has an argument of that name, so that it checks it and computes what depends on it.
    Otherwise the threshold is set after the layer was made.

    Args:
        neuron: makes one neuron layer.
        v_threshold: its threshold, in place of the one that `neuron` would set.
        name: the option that sets the threshold, for the message.

    Raises:
        ValueError: the neuron refuses this threshold.

    Example:
        >>> from functools import partial
        >>> from snnx.neuron.lif_delayed import LIFDelayed
        >>> neuron = with_threshold(partial(LIFDelayed, beta=0.5, v_threshold=1.0), 0.25, name="backbone.pool_threshold")
        >>> neuron.v_threshold, neuron.subtracted
        (0.25, 0.5)
        >>> with_threshold(nn.ReLU, 0.25, name="backbone.pool_threshold")
        ReLU()
    """
    if "v_threshold" in signature(neuron).parameters:
        try:
            return neuron(v_threshold=v_threshold)
        except ValueError as error:
            raise ValueError(f"{error}; {name} sets the threshold of this layer to {v_threshold:g}") from error
    layer = neuron()
    if isinstance(getattr(layer, "v_threshold", None), nn.Parameter):
        nn.init.constant_(layer.v_threshold, v_threshold)
    elif threshold_of(layer) is not None:
        layer.v_threshold = v_threshold
    return layer

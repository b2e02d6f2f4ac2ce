"""Makes neurons with another threshold than their options set, as some layers of a network need it."""

from collections.abc import Callable
from inspect import signature

from torch import nn

from snnx.norm.norm import threshold_of


def with_threshold(neuron: Callable[[], nn.Module], v_threshold: float) -> nn.Module:
    """Make one neuron layer with this threshold; a layer without a threshold, such as a ReLU, is made as it is.

    The constructor gets the threshold if it takes one, so that it checks it and computes what depends on it.

    Args:
        neuron: makes one neuron layer.
        v_threshold: its threshold, in place of the one that `neuron` would set.

    Raises:
        ValueError: the neuron refuses this threshold.

    Example:
        >>> from functools import partial
        >>> from snnx.neuron.lif_delayed import LIFDelayed
        >>> neuron = with_threshold(partial(LIFDelayed, beta=0.5, v_threshold=1.0), 0.25)
        >>> neuron.v_threshold, neuron.subtracted
        (0.25, 0.5)
        >>> with_threshold(nn.ReLU, 0.25)
        ReLU()
    """
    if "v_threshold" in signature(neuron).parameters:
        return neuron(v_threshold=v_threshold)
    layer = neuron()
    if threshold_of(layer) is not None:
        layer.v_threshold = v_threshold
    return layer

"""The base class of initial weights, which visits a network's layers in the order in which data flows."""

from collections.abc import Callable, Iterator
from math import sqrt
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor, nn


class WeightedLayer(NamedTuple):
    """A layer with weights, and the facts on which the variance of its input depends."""

    module: nn.Module
    fan_in: int
    """Number of inputs of one output: `in_features`, or kernel size times input channels per group."""
    pool: nn.Module | None
    """The 2d pooling between this layer and the layer before it, or `None`."""
    first: bool
    """Whether this is the first layer with weights, which reads the network's input."""


class DrawsWeights(Protocol):
    """The interface that every option of the group `init` follows.

    It draws new weights for all convolutions and linear layers of a network, from torch's global generator, and leaves norms
    and neurons as they are. `Init` does this for a given variance.

    Example:
        >>> def ones(network):
        ...     for layer in weighted_layers(network):
        ...         nn.init.ones_(layer.module.weight)
        >>> draws: DrawsWeights = ones
        >>> layer = nn.Linear(2, 1)
        >>> draws(layer)
        >>> layer.weight.tolist()
        [[1.0, 1.0]]
    """

    def __call__(self, network: nn.Module) -> None:
        """Draw new weights for `network`, in place."""


class Init:
    """Draws all weights of convolutions and linear layers with zero mean and the variance of `variance`; biases become 0.

    To define a new initialisation, write a subclass with a method `variance`.

        w ~ U(-sqrt(3 Var), sqrt(3 Var))    uniform
        w ~ N(0, Var)                       normal

    Args:
        distribution: `uniform` or `normal`.

    Raises:
        ValueError: `distribution` is neither.

    Example:
        >>> class LeCun(Init):                                      # Var(w) = 1 / fan_in
        ...     def variance(self, layer):
        ...         return 1 / layer.fan_in
        >>> layer = nn.Linear(300, 500)
        >>> LeCun()(layer)
        >>> bool(layer.weight.abs().max() <= 0.1)                   # sqrt(3/300)
        True
    """

    def __init__(self, *, distribution: Literal["uniform", "normal"] = "uniform") -> None:
        if distribution not in DRAWS:
            raise ValueError(f"{type(self).__name__}: distribution must be one of {', '.join(DRAWS)}; got {distribution}")
        self.distribution = distribution

    def variance(self, layer: WeightedLayer) -> float:
        """Return the variance of the weights of one layer."""
        raise NotImplementedError(f"{type(self).__name__} must implement variance(layer)")

    @torch.no_grad()
    def __call__(self, network: nn.Module) -> None:
        """Draw new values for all weights of `network`."""
        for layer in weighted_layers(network):
            DRAWS[self.distribution](layer.module.weight, sqrt(self.variance(layer)))
            if layer.module.bias is not None:
                layer.module.bias.zero_()


def _uniform(weight: Tensor, std: float) -> None:
    weight.uniform_(-sqrt(3) * std, sqrt(3) * std)


def _normal(weight: Tensor, std: float) -> None:
    weight.normal_(0.0, std)


DRAWS: dict[str, Callable[[Tensor, float], None]] = {"uniform": _uniform, "normal": _normal}


def weighted_layers(network: nn.Module) -> Iterator[WeightedLayer]:
    """Yield the convolutions and linear layers in the order of `network.modules()`, which in a chain is the order of the data.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8, 10))
        >>> [(layer.fan_in, layer.pool is not None, layer.first) for layer in weighted_layers(net)]
        [(75, False, True), (8, True, False)]
    """
    pool, first = None, True
    for module in network.modules():
        if isinstance(module, nn.AvgPool2d | nn.MaxPool2d):
            pool = module
        elif isinstance(module, nn.Conv2d | nn.Linear):
            yield WeightedLayer(module, module.weight[0].numel(), pool, first)
            pool, first = None, False

"""Layers of neurons that fire at most once and whose synaptic currents decay exponentially."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snnx.spike_time.constant_threshold import ConstantThreshold, Fired, replace_layer
from snnx.spike_time.dynamic_threshold import DynamicThreshold
from snnx.spike_time.exponential_set import ExponentialSet

AT_ZERO = 0.0  # a = 1 - z of an input that fires at t = 0


class ExponentialCurrent(ConstantThreshold):
    """The weights of a layer together with its neurons, whose threshold is 1, and a weight for an input that fires at t = 0.

    That input replaces a bias; its weight starts at 0. See `ExponentialSet` for the neuron.

    Shape:
        `[2, B, *]`, m (1 if an input fires) and `a = 1 - z`, to the same of the layer's neurons, with `a = -inf` where `m = 0`.

    Args:
        layer: a linear layer or a convolution, without bias, groups or dilation.
        clip: largest `1/S` in backward, > 0; `None` for no limit.

    Source: Mostafa, 2017; Zhou et al., 2021.

    Example:
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> _ = nn.init.constant_(layer.weight, 3.0)
        >>> a = 1 - torch.tensor([[2.0]])                           # z = 3 * 2/(3 - 1) = 3, so a = -2
        >>> ExponentialCurrent(layer)(torch.stack([torch.ones(1, 1), a])).flatten().tolist()
        [1.0, -2.0]
    """

    def __init__(self, layer: nn.Linear | nn.Conv2d, *, clip: float | None = None) -> None:
        super().__init__(layer, clip=clip)
        self.start = nn.Parameter(torch.zeros(len(layer.weight)))

    def fire(self, weight: Tensor, activation: Tensor) -> Tensor:
        with_start = torch.cat([weight, self.start[:, None]], dim=1)
        return ExponentialSet.apply(with_start, F.pad(activation, (0, 1), value=AT_ZERO), self.clip)

    def weight_sum_cost(self) -> Tensor:
        """Return `mean over neurons of max(0, 1 - sum of the neuron's weights)`.

        Training adds it to the loss as a penalty, because a neuron whose weights add up to less than 1 can never fire.
        """
        return (1 - self._sums(self.layer.weight) - self.start).clamp(min=0).mean()

    def mean_square(self) -> Tensor:
        """Return the mean square of all weights."""
        weights = self.layer.weight.numel() + self.start.numel()
        return (self.layer.weight.square().sum() + self.start.square().sum()) / weights

    @staticmethod
    def _sums(weight: Tensor) -> Tensor:
        return weight.flatten(1).sum(1)


class FiredLater(Fired):
    """`Fired` for neurons whose activation is `a = 1 - exp(t)`: it reports t.

    Shape:
        `[2, B, *]` to the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self.window = None

    def forward(self, x: Tensor) -> Tensor:
        if self.probe is not None:
            fired, activation = x.detach().split(1)
            self.times = torch.where(fired > 0, (1 - activation).log(), torch.nan)
            self.probe(activation, fired)
        return x


def decay_currents(network: nn.Module, *, clip: float | None) -> list[ExponentialCurrent]:
    """Give a network that was built with `DynamicThreshold` neurons whose synaptic currents decay; the last layer fires too.

    Args:
        network: layers with weights and `DynamicThreshold`s in turn, with max poolings between them; it is changed in place.
        clip: see `ExponentialCurrent`.

    Returns:
        the new layers.
    """
    layers = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    neurons = [name for name, module in network.named_modules() if isinstance(module, DynamicThreshold)]
    found = [ExponentialCurrent(network.get_submodule(layer), clip=clip) for layer in layers]
    for layer, new in zip(layers, found, strict=True):
        replace_layer(network, layer, new)
    for neuron in neurons:
        network.set_submodule(neuron, FiredLater())
    return found

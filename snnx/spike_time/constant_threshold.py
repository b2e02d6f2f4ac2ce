"""Layers of neurons that fire at most once, without a window and with a threshold that stays."""

import torch
from spikingjelly.activation_based.layer import SeqToANNContainer
from torch import Tensor, nn
from torch.nn import functional as F

from snnx.layer.each_step import EachStep
from snnx.layer.normed import Normed
from snnx.spike_time.causal_set import SILENT, CausalSet
from snnx.spike_time.dynamic_threshold import DynamicThreshold


class ConstantThreshold(nn.Module):
    """The weights of a layer and its ReL-PSP neurons with threshold 1, which cannot be told apart: see `CausalSet`.

    Without windows a spike of this layer may come before one of the layer below, and a sum over all inputs is no use. Of one
    plane, which is the ANN, it is the layer of weights alone.

    Shape:
        `[2, B, *]`, holding whether an input fires, `m`, and `a = 1 - t`, to the same of the layer's neurons, with `a = -inf`
        where `m = 0`; `[1, B, *]` to `[1, B, *]`.

    Args:
        layer: a linear layer or a convolution without bias, groups or dilation.
        clip: greatest `1/S` in the gradient, > 0; `None` leaves it as it is.

    Source: STDBP (Zhang et al., 2020).

    Example:
        >>> layer = nn.Linear(2, 1, bias=False)
        >>> _ = nn.init.constant_(layer.weight, 1.0)
        >>> a = torch.tensor([[0.75, -4.0]])
        >>> ConstantThreshold(layer)(torch.stack([torch.ones(1, 2), a])).flatten().tolist()
        [1.0, -0.25]
    """

    def __init__(self, layer: nn.Linear | nn.Conv2d, *, clip: float | None = 11.0) -> None:
        super().__init__()
        self.layer = layer
        self.clip = clip

    def forward(self, x: Tensor) -> Tensor:
        if len(x) == 1:
            return self.layer(x[0])[None]
        fired, activation = x
        activation = torch.where(fired > 0, activation, SILENT)
        if isinstance(self.layer, nn.Linear):
            found = CausalSet.apply(self.layer.weight, activation, self.clip)
        else:
            found = self._convolved(activation)
        return torch.stack([(found > SILENT).to(found.dtype), found])

    def _convolved(self, a: Tensor) -> Tensor:
        conv = self.layer
        (rows, columns), (down, right) = conv.kernel_size, conv.stride
        above, left = conv.padding
        padded = F.pad(a, (left, left, above, above), value=SILENT)
        height = (padded.shape[2] - rows) // down + 1
        patches = padded.unfold(2, rows, down).unfold(3, columns, right).permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(0, 2)
        found = CausalSet.apply(conv.weight.flatten(1), patches, self.clip)
        return found.view(len(a), height, -1, conv.out_channels).permute(0, 3, 1, 2)


class Fired(DynamicThreshold):
    """The place of the neurons behind a `ConstantThreshold`, whose spikes it hands to whoever watches; of one plane it is the
    neuron of the ANN."""

    def __init__(self) -> None:
        super().__init__()
        self.path = "sorted"  # by the layer before it

    def forward(self, x: Tensor) -> Tensor:
        if len(x) == 1:
            return super().forward(x)
        if self.probe is not None:
            fired, activation = x.detach().split(1)
            self.times = torch.where(fired > 0, 1 - activation, torch.nan)
            self.probe(activation, fired)
        return x


class Potential(nn.Module):
    """`V = sum of w_i max(end - t_i, 0)`, the potential of a read-out at a given time.

    Shape:
        `[2, B, I]` to `[1, B, K]`; `[1, B, I]`, of the ANN, to `[1, B, K]`.

    Args:
        layer: a linear layer without bias.
        end: in windows; where a network with the dynamic threshold would end.

    Example:
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> _ = nn.init.constant_(layer.weight, 2.0)
        >>> Potential(layer, 3.0)(torch.tensor([[[1.0]], [[-0.5]]])).item()       # t = 1.5
        3.0
    """

    def __init__(self, layer: nn.Linear, end: float) -> None:
        super().__init__()
        self.layer = layer
        self.end = end

    def forward(self, x: Tensor) -> Tensor:
        if len(x) == 1:
            return self.layer(x)
        fired, activation = x
        until = (self.end - 1 + activation).clamp(min=0)
        return self.layer(torch.where(fired > 0, until, 0.0)[None])


def keep_threshold(network: nn.Module, *, values: bool, clip: float | None) -> None:
    """Put the constant threshold in the place of the dynamic one, in a network that is built.

    The read-out becomes the potential at the time at which that network ends. The first layer stays as it is if it computes
    with `values`, which have no times: it fires in the first window.

    Args:
        network: weights and `DynamicThreshold`s in turn, with poolings between.
        values: whether its input is pixel values.
        clip: see `ConstantThreshold`.
    """
    *layers, last = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    neurons = [name for name, module in network.named_modules() if isinstance(module, DynamicThreshold)]
    for layer, neuron in list(zip(layers, neurons, strict=True))[values:]:
        weights = network.get_submodule(layer)
        wrapper = layer.rpartition(".")[0]  # where there is one, it folds time into the batch
        outer = wrapper if isinstance(network.get_submodule(wrapper), EachStep | Normed | SeqToANNContainer) else layer
        network.set_submodule(outer, ConstantThreshold(weights, clip=clip))
        fired = Fired()
        fired.window = network.get_submodule(neuron).window
        network.set_submodule(neuron, fired)
    network.set_submodule(last, Potential(network.get_submodule(last), end=len(layers) - values + 2.0))

"""Layers of neurons that fire at most once at a constant threshold, without time windows."""

import torch
from spikingjelly.activation_based.layer import SeqToANNContainer
from torch import Tensor, nn
from torch.nn import functional as F

from snnx.layer.each_step import EachStep
from snnx.layer.normed import Normed
from snnx.spike_time.causal_set import SILENT, CausalSet
from snnx.spike_time.dynamic_threshold import DynamicThreshold


class ConstantThreshold(nn.Module):
    """The weights of a layer together with its ReL-PSP neurons, whose threshold is 1; see `CausalSet`.

    Without windows, a neuron of this layer may fire before some of its inputs do. So its spike time is no function of sums over
    all inputs, and weights and neurons are one layer. If the input has only one plane, as in the ANN, the layer just applies
    its weights.

    Shape:
        `[2, B, *]`, m (1 if an input fires) and `a = 1 - t`, to the same of the layer's neurons, with `a = -inf` where `m = 0`;
        or `[1, B, *]` to `[1, B, *]`.

    Args:
        layer: a linear layer or a convolution, without bias, groups or dilation.
        clip: largest `1/S` in backward, > 0; `None` for no limit.

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
        linear = isinstance(self.layer, nn.Linear)
        found = self.fire(self.layer.weight, activation) if linear else self._convolved(activation)
        return torch.stack([(found > SILENT).to(found.dtype), found])

    def fire(self, weight: Tensor, activation: Tensor) -> Tensor:
        """Return the activations `[N, O]` of neurons with weights `[O, I]` and inputs `[N, I]`."""
        return CausalSet.apply(weight, activation, self.clip)

    def _convolved(self, a: Tensor) -> Tensor:
        conv = self.layer
        (rows, columns), (down, right) = conv.kernel_size, conv.stride
        above, left = conv.padding
        padded = F.pad(a, (left, left, above, above), value=SILENT)
        height = (padded.shape[2] - rows) // down + 1
        patches = padded.unfold(2, rows, down).unfold(3, columns, right).permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(0, 2)
        found = self.fire(conv.weight.flatten(1), patches)
        return found.view(len(a), height, -1, conv.out_channels).permute(0, 3, 1, 2)


class Fired(DynamicThreshold):
    """Replaces the neurons after a `ConstantThreshold`: it passes the spikes on and reports them to the probe.

    If the input has only one plane, it is the neuron of the ANN.

    Shape:
        `[2, B, *]` or `[1, B, *]` to the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self.path = "sorted"  # the layer before it sorts

    def forward(self, x: Tensor) -> Tensor:
        if len(x) == 1:
            return super().forward(x)
        if self.probe is not None:
            fired, activation = x.detach().split(1)
            self.times = torch.where(fired > 0, 1 - activation, torch.nan)
            self.probe(activation, fired)
        return x


class EndPotential(nn.Module):
    """Computes the potential of a last layer at a given time, `V = sum of w_i max(end - t_i, 0)`.

    Shape:
        `[2, B, I]` to `[1, B, K]`; or `[1, B, I]`, as in the ANN, to `[1, B, K]`.

    Args:
        layer: a linear layer without bias.
        end: the time, in windows.

    Example:
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> _ = nn.init.constant_(layer.weight, 2.0)
        >>> EndPotential(layer, 3.0)(torch.tensor([[[1.0]], [[-0.5]]])).item()       # t = 1.5
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


def keep_threshold(network: nn.Module, *, values: bool, clip: float | None, at: float = 1.0) -> None:
    """Replace the dynamic threshold by the constant one in a network that was built with `DynamicThreshold`.

    The last layer becomes the `EndPotential` at the time at which the original network is read. If the input is pixel values,
    which have no spike times, the first layer is not changed and fires in the first window.

    Args:
        network: layers with weights and `DynamicThreshold`s in turn, with poolings between them; it is changed in place.
        values: whether its input is pixel values.
        clip: see `ConstantThreshold`.
        at: the time in the last window of the original network at which its potential is read, from 0 to 1.
    """
    *layers, last = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    neurons = [name for name, module in network.named_modules() if isinstance(module, DynamicThreshold)]
    for layer, neuron in list(zip(layers, neurons, strict=True))[values:]:
        weights = network.get_submodule(layer)
        replace_layer(network, layer, ConstantThreshold(weights, clip=clip))
        fired = Fired()
        fired.window = network.get_submodule(neuron).window
        network.set_submodule(neuron, fired)
    network.set_submodule(last, EndPotential(network.get_submodule(last), end=len(layers) - values + 1.0 + at))


def replace_layer(network: nn.Module, layer: str, by: nn.Module) -> None:
    """Replace a layer with weights, given by its name, and its wrapper if it has one, which merges time and batch.

    Example:
        >>> net = nn.Sequential(EachStep(nn.Linear(2, 3)), nn.Linear(3, 4))
        >>> for layer in ("0.0", "1"):
        ...     replace_layer(net, layer, nn.Identity())
        >>> net
        Sequential(
          (0): Identity()
          (1): Identity()
        )
    """
    wrapper = layer.rpartition(".")[0]
    outer = wrapper if isinstance(network.get_submodule(wrapper), EachStep | Normed | SeqToANNContainer) else layer
    network.set_submodule(outer, by)

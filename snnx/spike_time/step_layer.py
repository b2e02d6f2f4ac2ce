"""Layers of neurons that add up weights and fire at most once, in whole time steps."""

import torch
from torch import Tensor, nn

from snnx.spike_time.constant_threshold import Fired, replace_layer
from snnx.spike_time.crossing import BEFORE_END, Crossing
from snnx.spike_time.dynamic_threshold import DynamicThreshold


class StepLayer(nn.Module):
    """The weights of a linear layer together with its neurons; see `Crossing`.

    Shape:
        `[2, B, I]`, m (1 if an input fires) and `a = 1 - t/steps`, to the same of the layer's neurons. A layer of `outputs`
        adds a third plane, the potentials `V(k)` at the step before its first spike, or at `steps - 3` if none of its neurons
        fires; these decide between classes that fire equally early.

    Args:
        layer: a linear layer without bias.
        threshold: potential above which a neuron fires, > 0.
        steps: number of time steps.
        factor: start of BS4NN's learned factor; `None` if the weights themselves count, not only their signs.
        outputs: whether this is the last layer.

    Attributes:
        seen: number of training samples since the last `redraw`.
        fired: in how many of these each neuron fired, `[O]`.

    Example:
        >>> layer = nn.Linear(2, 2, bias=False)
        >>> layer.weight.data = torch.tensor([[3.0, 4.0], [1.0, 9.0]])
        >>> t = torch.tensor([[2.0, 6.0]])
        >>> m, a, v = StepLayer(layer, threshold=5.0, steps=10, outputs=True)(torch.stack([torch.ones(1, 2), 1 - t / 10]))
        >>> (10 - 10 * a).tolist(), v.tolist()                      # both cross at step 6
        ([[7.0, 7.0]], [[7.0, 10.0]])
    """

    def __init__(
        self, layer: nn.Linear, *, threshold: float, steps: int, factor: float | None = None, outputs: bool = False
    ) -> None:
        super().__init__()
        self.layer = layer
        self.threshold, self.steps, self.outputs = float(threshold), steps, outputs
        self.factor = None if factor is None else nn.Parameter(torch.tensor(float(factor)))
        self.register_buffer("fired", torch.zeros(len(layer.weight)))
        self.register_buffer("seen", torch.zeros(()))

    def count(self, fired: Tensor) -> None:
        """Count the training samples, and those for which each neuron fired, `[B, O]`."""
        self.fired += fired.sum(0).to(self.fired)
        self.seen += len(fired)

    @torch.no_grad()
    def redraw(self, share: float, bound: float) -> None:
        """Draw new weights, uniform from 0 to `bound`, for neurons that fired for less than this share of the samples.

        The counts start from 0 again.
        """
        silent = self.fired < share * self.seen
        weight = self.layer.weight
        weight[silent] = torch.empty_like(weight[silent]).uniform_(0.0, bound)
        self.fired.zero_()
        self.seen.zero_()

    def forward(self, x: Tensor) -> Tensor:
        activation = x[1]
        found = Crossing.apply(self.layer.weight, activation, self.factor, self.threshold, self.steps)
        planes = [(found > 0).to(found.dtype), found]
        if self.training:
            self.count(planes[0].detach())
        if self.outputs:
            planes.append(self._potential(activation.detach(), found.detach()))
        return torch.stack(planes)

    @torch.no_grad()
    def _potential(self, activation: Tensor, found: Tensor) -> Tensor:
        first = ((1 - found) * self.steps).round().amin(1, keepdim=True)
        until = torch.where(first < self.steps, first - 1, self.steps - BEFORE_END)
        weight = self.layer.weight if self.factor is None else self.layer.weight.sign()
        return (((1 - activation) * self.steps).round() <= until).to(weight) @ weight.T


class FiredAtSteps(Fired):
    """`Fired` for layers without windows, whose times are shares of all steps.

    Shape:
        `[2, B, *]` to the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self.window = None


def fire_at_steps(network: nn.Module, *, threshold: float, steps: int, factor: float | None) -> list[StepLayer]:
    """Replace the layers of a network that was built with `DynamicThreshold` by `StepLayer`s; the last layer fires too.

    Args:
        network: linear layers and `DynamicThreshold`s in turn; it is changed in place.
        threshold, steps, factor: see `StepLayer`.

    Returns:
        the new layers.
    """
    *hidden, last = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    neurons = [name for name, module in network.named_modules() if isinstance(module, DynamicThreshold)]
    found = []
    for name in (*hidden, last):
        linear = network.get_submodule(name)
        found.append(StepLayer(linear, threshold=threshold, steps=steps, factor=factor, outputs=name == last))
        replace_layer(network, name, found[-1])
    for name in neurons:
        network.set_submodule(name, FiredAtSteps())
    return found

"""A neuron whose spike time is exactly the activation of a ReLU network."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from snnx.spike_time.dynamic_threshold import DynamicThreshold


class Ramp(DynamicThreshold):
    """Integrates its input until its window opens; then its potential rises with slope 1, whatever its input was.

        P = sum of w_i y_i + b                     y_i = scale_i (1 - t_i), value of a spike at t_i in the window before
        V(t) = P + scale t                         t in the window of its layer, from 0 to 1
        t = the first time with V(t) >= scale, if P > 0
        y = scale (1 - t) = clip(P, 0, scale)

    All inputs have fired before the window opens, so the spike time is the activation of a ReLU, and the network of spikes
    computes what the ReLU network does. The exception is an activation above the `scale` of its layer, which is cut to `scale`:
    such a neuron fires as soon as its window opens.

    Layers pass on two planes, `m`, whether a neuron fired, and `y`. A layer's weights and bias are applied to both, but this
    neuron reads the second only. With one plane, the layer is the ReLU of the network that is trained.

    Shape:
        `[2, B, *]`, of which the second plane is P, to `[2, B, *]`, `m` and `y`; or `[1, B, *]`, P, to `[1, B, *]`, ReLU(P).

    Attributes:
        scale: the activation whose spike comes at the start of the window; see `set_scales`.
        window, times, steps: see `DynamicThreshold`; with `steps`, a neuron fires at the first step at which its
            potential has reached the threshold.

    Source: Stanojevic et al., An exact mapping from ReLU networks to spiking neural networks, 2023, and Stanojevic et al.,
        High-performance deep spiking neural networks with 0.3 spikes per neuron, 2024, with A = 0 and B = 1. There, weights are
        in units of time, w scale_i / scale here, and the bias is part of the threshold, which differs by neuron.

    Example:
        >>> neuron = Ramp()
        >>> neuron.scale.fill_(2.0)
        tensor(2.)
        >>> planes = torch.tensor([[1.0, 1.0, 1.0], [0.5, -1.0, 3.0]]).view(2, 1, 3)
        >>> neuron(planes).tolist()                                 # spike times 0.75, none, and 0, as early as possible
        [[[1.0, 0.0, 1.0]], [[0.5, 0.0, 2.0]]]
    """

    def __init__(self) -> None:
        super().__init__()
        # The scale is not saved: it is computed again before each test, and so weights of the ReLU network can be loaded.
        self.register_buffer("scale", torch.ones(()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if len(x) == 1:
            return x.relu()
        if len(x) != 2:
            raise ValueError(f"Ramp: x must have two planes, [2, B, *]; got {list(x.shape)}; use method=ttfs")
        early = (x[1] / self.scale).clamp(0, 1)  # 1 - t
        if self.steps is not None:
            early = (early * self.steps + 1e-4).floor() / self.steps  # in float32, 100 * 0.29 is less than 29
        fired = (early > 0).to(x.dtype)
        y = (
            early * self.scale if self.steps is not None else x[1].relu().minimum(self.scale)
        )  # without steps not `early * scale`, which would round once more
        if self.probe is not None:
            self.times = torch.where(fired > 0, self.window + 1 - early, torch.nan).detach()[None]
            self.probe(x[1:].detach(), fired.detach()[None])
        return torch.stack([fired, y])

    def extra_repr(self) -> str:
        return f"scale={self.scale:g}"


@torch.no_grad()
def set_scales(network: nn.Module, values: Callable[[], Iterable[Tensor]]) -> None:
    """Set the scale of each `Ramp` to its largest activation over a set of images.

    Args:
        network: a network whose neurons are `Ramp`s.
        values: its call returns the inputs of the ReLU network, `[1, B, C, H, W]`.

    Raises:
        ValueError: a layer is never active, so that it has no scale.

    Example:
        >>> network = nn.Sequential(nn.Identity(), Ramp())
        >>> set_scales(network, lambda: [torch.tensor([[[1.0, -3.0]]]), torch.tensor([[[2.5, 0.0]]])])
        >>> network[1].scale
        tensor(2.5000)
    """
    layers = {name: module for name, module in network.named_modules() if isinstance(module, Ramp)}
    largest = dict.fromkeys(layers, 0.0)

    def see(name: str) -> Callable:
        def hook(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
            largest[name] = max(largest[name], float(output.max()))

        return hook

    hooks = [module.register_forward_hook(see(name)) for name, module in layers.items()]
    try:
        for batch in values():
            network(batch)
    finally:
        for hook in hooks:
            hook.remove()
    for name, module in layers.items():
        if not largest[name] > 0:
            raise ValueError(f"Ramp: {name} must be active on the calibration set; got a maximum of {largest[name]:g}")
        module.scale.fill_(largest[name])

"""Converts a backbone of snnx as SpikingJelly does: its hook computes the scales, and its scalers surround the neurons."""

from collections.abc import Callable, Iterable

import torch
from spikingjelly.activation_based.ann2snn.modules import VoltageHook, VoltageScaler
from torch import Tensor, nn

from snnx.conversion.links import ACTIVATIONS
from snnx.neuron.if_ import IF


@torch.no_grad()
def convert_spikingjelly(
    network: nn.Module, batches: Callable[[], Iterable[Tensor]], *, percentile: float | None = None, initial: float = 0.0
) -> tuple[nn.Module, dict[str, Tensor]]:
    """Replace each activation of `network` by `scale * IF(x / scale)`; return the network and the scale of each activation.

        scale <- 0.9*scale + 0.1*(maximum, or percentile of all values)          for each batch after the first

    Weights are not changed. The average over batches with this momentum, and the zeros among the values, are SpikingJelly's;
    this function exists to compare with them. SpikingJelly's own converter needs a network without a time dimension, which a
    backbone of snnx is not.

    Args:
        network: the network with its batch norms folded; it is changed in place and returned.
        batches: its call returns the images `[B, C, H, W]` of the calibration set.
        percentile: in (0, 100]; `None` is SpikingJelly's mode `Max`.
        initial: initial potential as a share of the threshold, in [0, 1).

    Raises:
        ValueError: an activation has no scale above 0.

    Source: SpikingJelly 2, `ann2snn.RateCodingRecipe`.

    Example:
        >>> net, images = nn.Sequential(nn.ReLU()), [torch.tensor([[1.0]]), torch.tensor([[2.0]])]
        >>> net, scales = convert_spikingjelly(net, lambda: images)
        >>> round(scales["0"].item(), 4), net(torch.full((4, 1, 1), 0.55)).flatten().tolist()
        (1.1, [0.0, 1.1..., 0.0, 1.1...])
    """
    mode = "Max" if percentile is None else f"{percentile}%"
    hooks = {name: VoltageHook(mode=mode).train() for name, m in network.named_modules() if isinstance(m, ACTIVATIONS)}
    reading = [
        network.get_submodule(name).register_forward_hook(lambda m, x, y, hook=hook: hook(y.flatten(0, 1)).view(y.shape))
        for name, hook in hooks.items()
    ]
    for images in batches():
        network(images[None])
    for one in reading:
        one.remove()
    scales = {name: hook.scale for name, hook in hooks.items()}
    for name, scale in scales.items():
        if not scale > 0:
            raise ValueError(f"Conversion: {name} must be active on the calibration set; got a scale of {float(scale):g}")
        neuron = IF(v_reset=None)
        neuron.set_reset_value("v", initial)
        neuron.reset()
        scaled = nn.Sequential(VoltageScaler(1 / scale.item()), neuron, VoltageScaler(scale.item()))
        network.set_submodule(name, scaled.to(scale))
    return network, scales

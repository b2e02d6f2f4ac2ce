"""SpikingJelly's recipe on a backbone of snnx: its hook for the scales, its scalers around the neurons, weights untouched."""

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
    """`network` itself with each activation replaced by `scale * IF(x / scale)`, and the scales by activation.

        scale <- 0.9*scale + 0.1*(maximum, or percentile of all values) of each further batch

    The average over batches, its momentum and zeros among the values are SpikingJelly's; that is what the path is here for. Its
    own converter traces networks without time, which a backbone of snnx is not.

    Args:
        network: batch norms folded; changed in place.
        batches: gives images `[B, C, H, W]`.
        percentile: None is its mode `Max`.
        initial: potential at the start as a share of the threshold.

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
            raise ValueError(f"calibrate: {name} must be active on the calibration set; got a scale of {float(scale):g}")
        neuron = IF(v_reset=None)
        neuron.set_reset_value("v", initial)
        neuron.reset()
        scaled = nn.Sequential(VoltageScaler(1 / scale.item()), neuron, VoltageScaler(scale.item()))
        network.set_submodule(name, scaled.to(scale))
    return network, scales

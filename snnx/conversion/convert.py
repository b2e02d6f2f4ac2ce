"""From scales to spikes: weights or thresholds, gains on the shortcuts, and integrate-and-fire neurons."""

from typing import Literal

import torch
from torch import Tensor, nn

from snnx.conversion.links import Link
from snnx.layer.shortcut import Shortcut
from snnx.neuron.if_ import IF


class Gain(nn.Module):
    """`y = gain * x`, one gain or one a channel: the shortcut of a residual block whose two ends have different scales.

    Shape:
        `[T, B, C, *]` to the same.

    Example:
        >>> Gain(torch.tensor([2.0, 3.0]))(torch.ones(1, 1, 2, 1)).flatten().tolist()
        [2.0, 3.0]
    """

    def __init__(self, gain: Tensor) -> None:
        super().__init__()
        self.register_buffer("gain", gain.reshape(-1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain.view(-1, *[1] * (x.ndim - 3))


@torch.no_grad()
def convert(
    network: nn.Module,
    links: dict[str, Link],
    scales: dict[str, Tensor],
    *,
    by: Literal["weight", "threshold"] = "weight",
    initial: float = 0.0,
) -> nn.Module:
    """`network` itself, with spikes: its activations become neurons whose rate times scale approaches the activation.

        w' = w * scale_in / unit,    b' = b / unit,    gain of a shortcut = scale_in / unit,    v_threshold = scale_out / unit

    where `unit` is the `scale_out` of the activation that follows (`by` weight: every threshold is 1), or the `scale_in` of the
    first layer that feeds it (`by` threshold: weights stay, thresholds differ). Both have the same spikes. The input's scale is
    1, and so is the unit of the read-out, which adds up and never fires: its mean over steps tends to the network's scores.

    Args:
        network: batch norms folded; changed in place.
        links: of its layers, from `links`.
        scales: of its activations, from `calibrate`.
        by: what carries the scales.
        initial: potential at the start as a share of the threshold, in [0, 1); 0.5 halves the error of few steps.

    Raises:
        ValueError: `by` is neither, `initial` leaves its range, or thresholds are asked to carry a scale a channel.

    Source: On the Future of Training Spiking Neural Networks, Eq 4 and 5; Rueckauer et al., 2017; the gain is derived: it makes
        both summands of a block speak in units of the block's output.

    Example:
        >>> from snnx.backbone.convnet import ConvNet
        >>> from snnx.conversion.fold_norm import fold_norm
        >>> from snnx.conversion.links import links
        >>> net = fold_norm(ConvNet(neuron=nn.ReLU, in_shape=(1, 8, 8), classes=2, channels=[4]), (1, 8, 8))
        >>> convert(net, links(net, (1, 8, 8)), {"stages.sn1": torch.tensor(2.0)}).stages.sn1
        IF(...v_threshold=1.0, v_reset=None...)
    """
    if by not in ("weight", "threshold"):
        raise ValueError(f"convert: by must be weight or threshold; got {by}")
    if not 0 <= initial < 1:
        raise ValueError(f"convert: initial must be a share of the threshold in [0, 1); got {initial}")
    if by == "threshold" and any(scale.numel() > 1 for scale in scales.values()):
        raise ValueError("convert: per_channel must be false with normalise=threshold, since a layer has one threshold")
    one = torch.ones((), device=next(network.parameters()).device)
    first = {link.sink: scales.get(link.source, one) for link in reversed(links.values())}  # of the first layer to feed it
    units = {sink: scales[sink] if by == "weight" else first[sink] for sink in scales}
    for name, link in links.items():
        layer, scale, unit = network.get_submodule(name), scales.get(link.source, one), units.get(link.sink, one)
        if isinstance(layer, Shortcut):
            network.set_submodule(name, Gain((scale / unit).to(next(network.parameters()))))
            continue
        layer.weight.mul_(_inputs(layer, scale)).div_(unit.reshape(-1, *[1] * (layer.weight.ndim - 1)))
        if layer.bias is not None:
            layer.bias.div_(unit)
    for name, scale in scales.items():
        neuron = IF(v_threshold=1.0 if by == "weight" else (scale / units[name]).item(), v_reset=None)
        neuron.set_reset_value("v", initial * neuron.v_threshold)
        neuron.reset()
        network.set_submodule(name, neuron)
    return network


def _inputs(layer: nn.Conv2d | nn.Linear, scale: Tensor) -> Tensor:
    """The scale of each input of a layer, shaped like its weights; flattened maps have as many inputs a channel as places."""
    if scale.numel() == 1:
        return scale.reshape(())
    width = layer.weight.shape[1]
    return scale.repeat_interleave(width // len(scale)).view(1, -1, *[1] * (layer.weight.ndim - 2))

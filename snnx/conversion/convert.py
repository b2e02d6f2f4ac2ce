"""Replaces the activations of a network by integrate-and-fire neurons, and scales weights, thresholds and shortcuts."""

from typing import Literal

import torch
from torch import Tensor, nn

from snnx.conversion.links import Link
from snnx.layer.shortcut import Shortcut
from snnx.neuron.if_ import IF


class Gain(nn.Module):
    """Multiplies by one gain, or by one per channel: `y = gain * x`.

    It replaces the shortcut of a residual block whose two ends have different scales.

    Shape:
        `[T, B, C, *]` to the same.

    Args:
        gain: one value, or C values.

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
    """Replace each activation of `network` by a spiking neuron whose firing rate times its scale approximates the activation.

        w' = w * scale_in / unit,    b' = b / unit,    gain of a shortcut = scale_in / unit,    v_threshold = scale_out / unit

    `scale_in` is the scale of the activation that feeds a layer, `scale_out` that of the activation it feeds. With
    `by="weight"`, `unit` is `scale_out`, so that every threshold is 1. With `by="threshold"`, `unit` is the `scale_in` of the
    first layer that feeds the activation, so that weights stay the same and thresholds differ. Both give the same spikes. The
    scale of the input and the unit of the read-out are 1. The read-out never fires; the mean of its outputs over the steps
    approaches the scores of the original network.

    Args:
        network: the network with its batch norms folded; it is changed in place and returned.
        links: for each layer, the activation that it reads and the one that reads it, from `links`.
        scales: scale of each activation, from `calibrate`.
        by: whether the scales change `weight`s or `threshold`s.
        initial: initial potential as a share of the threshold, in [0, 1); 0.5 halves the error for a small number of steps.

    Raises:
        ValueError: `by` is not one of the two, `initial` is outside [0, 1), or `by="threshold"` is combined with a scale per
            channel.

    Source: On the Future of Training Spiking Neural Networks, Eq 4 and 5; Rueckauer et al., 2017. The gain is derived: it gives
        both summands of a residual block the unit of the block's output.

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
    first = {link.sink: scales.get(link.source, one) for link in reversed(links.values())}  # the first layer wins
    units = {sink: scales[sink] if by == "weight" else first[sink] for sink in scales}
    scale_layers(network, links, scales, units)
    for name, scale in scales.items():
        neuron = IF(v_threshold=1.0 if by == "weight" else (scale / units[name]).item(), v_reset=None)
        neuron.set_reset_value("v", initial * neuron.v_threshold)
        neuron.reset()
        network.set_submodule(name, neuron)
    return network


@torch.no_grad()
def scale_layers(
    network: nn.Module, links: dict[str, Link], scales: dict[str | None, Tensor], units: dict[str, Tensor]
) -> None:
    """Scale weights, biases and shortcuts in place, so that layers read activations divided by their scales.

        w' = w * scale_in / unit,    b' = b / unit,    gain of a shortcut = scale_in / unit

    Args:
        network, links: see `convert`.
        scales: scale of each activation; the key `None` is the input, whose scale is 1 without this key.
        units: number by which the input of each activation is divided; the read-out is not divided.
    """
    one = torch.ones((), device=next(network.parameters()).device)
    for name, link in links.items():
        layer, scale, unit = network.get_submodule(name), scales.get(link.source, one), units.get(link.sink, one)
        if isinstance(layer, Shortcut):
            network.set_submodule(name, Gain((scale / unit).to(next(network.parameters()))))
            continue
        layer.weight.mul_(_inputs(layer, scale)).div_(unit.reshape(-1, *[1] * (layer.weight.ndim - 1)))
        if layer.bias is not None:
            layer.bias.div_(unit)


def _inputs(layer: nn.Conv2d | nn.Linear, scale: Tensor) -> Tensor:
    """Return the scale of each input of a layer, in a shape that can be multiplied with its weights.

    A flattened map has an input for each pixel. The kernels of a grouped convolution read only the channels of their group.

    Example:
        >>> depthwise = nn.Conv2d(2, 4, 1, groups=2)                           # two kernels read channel 0, two channel 1
        >>> _inputs(depthwise, torch.tensor([3.0, 5.0])).flatten().tolist()
        [3.0, 3.0, 5.0, 5.0]
    """
    if scale.numel() == 1:
        return scale.reshape(())
    groups = getattr(layer, "groups", 1)
    outputs, width = layer.weight.shape[:2]
    of_groups = scale.repeat_interleave(groups * width // len(scale)).view(groups, width)
    return of_groups.repeat_interleave(outputs // groups, 0).view(outputs, width, *[1] * (layer.weight.ndim - 2))

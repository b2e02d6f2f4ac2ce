"""Measures a time step of a converted network, and of SpikingJelly's conversion of the same weights."""

import torch
import torchvision
from spikingjelly.activation_based import ann2snn, functional
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from snnx.backbone.resnet import ResNet
from snnx.bench.turns import in_turns, medians
from snnx.conversion.calibrate import calibrate
from snnx.conversion.convert import convert
from snnx.conversion.fold_norm import fold_norm
from snnx.conversion.links import links
from snnx.report.tables.table import Table

FULL = {"width": 0.25, "shape": (10, 32, 3, 32, 32), "rounds": 8}
SMOKE = {"width": 0.0625, "shape": (2, 2, 3, 32, 32), "rounds": 1}
BASELINE = "ReLU, same images"


class TorchvisionResNet(torchvision.models.ResNet):
    """torchvision's ResNet-18 without the first pooling, for any width.

    SpikingJelly's converter can trace it, and its parameters have the names of our ResNet's.
    """

    def __init__(self, width: float, classes: int) -> None:
        self.width = width
        super().__init__(BasicBlock, [2, 2, 2, 2], num_classes=classes)
        first, last = round(64 * width), round(512 * width)
        self.conv1, self.bn1 = nn.Conv2d(3, first, 7, 2, 3, bias=False), nn.BatchNorm2d(first)
        self.maxpool, self.fc = nn.Identity(), nn.Linear(last, classes)

    def _make_layer(self, block: type, planes: int, blocks: int, stride: int = 1, dilate: bool = False) -> nn.Sequential:
        if planes == 64:
            self.inplanes = round(64 * self.width)
        return super()._make_layer(block, round(planes * self.width), blocks, stride, dilate)


class Steps:
    """Runs a converted network from its resting state on an input of several time steps when called."""

    def __init__(self, network: nn.Module, current: Tensor) -> None:
        self.network, self.current = network, current

    @torch.inference_mode()
    def __call__(self) -> None:
        functional.reset_net(self.network)
        self.network(self.current)


def measure(width: float, shape: tuple[int, ...], rounds: int) -> dict:
    """Time each network on `T` steps of `B` images.

    Args:
        width: of the ResNet, as a fraction of its full width.
        shape: `[T, B, C, H, W]` of the input.
        rounds: how often each network is timed.

    Returns:
        The seconds of every round by network, and the arguments.
    """
    torch.manual_seed(0)
    ours = ResNet(neuron=nn.ReLU, in_shape=shape[2:], classes=10, width=width, stem="imagenet", stem_pool="none")
    current = torch.rand(shape[1:]).expand(shape)
    for _ in range(3):
        ours(current[:1])
    plain = TorchvisionResNet(width, 10)
    plain.load_state_dict(ours.state_dict())
    folded = fold_norm(ours, shape[2:])
    compared = {
        BASELINE: Steps(fold_norm(ours, shape[2:]), current),
        "snnx": Steps(convert(folded, links(folded, shape[2:]), calibrate(folded, lambda: [current[0]])), current),
        "SpikingJelly": Steps(convert_with_spikingjelly(plain, current[0]), current),
    }
    return {"width": width, "shape": list(shape), "rounds": rounds, "seconds": in_turns(compared, rounds)}


def convert_with_spikingjelly(plain: nn.Module, images: Tensor) -> nn.Module:
    """Convert a network with SpikingJelly, in its mode for several time steps per call."""
    recipe = ann2snn.RateCodingRecipe([images], mode="Max")
    converted = ann2snn.Converter(recipe, device="cpu").convert(plain)
    functional.set_step_mode(converted, "m")
    return converted


def tables(measured: dict) -> list[Table]:
    """Make the table: time per step, for the whole batch and for one image."""
    median, (steps, batch, *_) = medians(measured["seconds"]), measured["shape"]
    rows = tuple(
        (name, f"{1e3 * value / steps:.2f}", f"{1e6 * value / steps / batch:.0f}", f"{value / median[BASELINE]:.2f}")
        for name, value in median.items()
    )
    title = f"Converted ResNet-18*, width {measured['width']:g}, on {measured['shape']} float32, median of {measured['rounds']}"
    return [Table(title, ("network", "ms per step", "µs per step and image", f"x {BASELINE}"), "lrrr", rows)]

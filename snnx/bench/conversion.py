"""What a time step of a converted network costs, beside SpikingJelly's converter on the same weights."""

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
FLOOR = "ReLU, same images"


class Plain(torchvision.models.ResNet):
    """torchvision's ResNet-18 without its pooling, narrower: what SpikingJelly's converter can trace, with our names."""

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
    """A converted network that goes on for as many steps as the piece of input has, called like a function."""

    def __init__(self, network: nn.Module, current: Tensor) -> None:
        self.network, self.current = network, current

    @torch.inference_mode()
    def __call__(self) -> None:
        functional.reset_net(self.network)
        self.network(self.current)


def measure(width: float, shape: tuple[int, ...], rounds: int) -> dict:
    """Seconds of every round of one piece of the run: `T` steps of `B` images, from rest."""
    torch.manual_seed(0)
    ours = ResNet(neuron=nn.ReLU, in_shape=shape[2:], classes=10, width=width, stem="imagenet", stem_pool="none")
    current = torch.rand(shape[1:]).expand(shape)
    for _ in range(3):
        ours(current[:1])
    plain = Plain(width, 10)
    plain.load_state_dict(ours.state_dict())
    folded = fold_norm(ours, shape[2:])
    contestants = {
        FLOOR: Steps(fold_norm(ours, shape[2:]), current),
        "snnx": Steps(convert(folded, links(folded, shape[2:]), calibrate(folded, lambda: [current[0]])), current),
        "SpikingJelly": Steps(theirs(plain, current[0]), current),
    }
    return {"width": width, "shape": list(shape), "rounds": rounds, "seconds": in_turns(contestants, rounds)}


def theirs(plain: nn.Module, images: Tensor) -> nn.Module:
    """SpikingJelly's conversion, for many steps at once."""
    recipe = ann2snn.RateCodingRecipe([images], mode="Max")
    converted = ann2snn.Converter(recipe, device="cpu").convert(plain)
    functional.set_step_mode(converted, "m")
    return converted


def tables(measured: dict) -> list[Table]:
    """The time of a step, of the whole batch and of one image."""
    median, (steps, batch, *_) = medians(measured["seconds"]), measured["shape"]
    rows = tuple(
        (name, f"{1e3 * value / steps:.2f}", f"{1e6 * value / steps / batch:.0f}", f"{value / median[FLOOR]:.2f}")
        for name, value in median.items()
    )
    title = f"Converted ResNet-18*, width {measured['width']:g}, on {measured['shape']} float32, median of {measured['rounds']}"
    return [Table(title, ("network", "ms a step", "µs a step and image", f"x {FLOOR}"), "lrrr", rows)]

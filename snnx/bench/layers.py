"""What one layer costs, forward and backward, beside a ReLU on the same tensor."""

import random
import statistics
import time
from collections.abc import Callable

import torch
from spikingjelly.activation_based.neuron import LIFNode
from spikingjelly.activation_based.surrogate import ATan
from torch import Tensor, nn

from snnx.bench.libraries import LIBRARIES
from snnx.neuron.if_ import IF
from snnx.neuron.kernel.find import definition_only
from snnx.neuron.klif import KLIF
from snnx.neuron.lif import LIF
from snnx.neuron.plif import PLIF
from snnx.neuron.ttfs import TTFS

SHAPES = ((4, 32, 64, 8, 8), (8, 32, 64, 16, 16), (16, 32, 64, 16, 16))
"""`[T, B, *]`, feature maps of a convolutional net: half a million to eight million elements."""

Layer = Callable[[Tensor], Tensor]
FLOOR = "ReLU"
WARM_UP = 2


def fresh(node: nn.Module) -> Layer:
    """`node` from its resting state at every call, as training uses it."""

    def layer(x: Tensor) -> Tensor:
        node.reset()
        return node(x)

    return layer


def definition(node: nn.Module) -> Layer:
    """`node` kept from its kernel."""
    layer = fresh(node)

    def slow(x: Tensor) -> Tensor:
        with definition_only():
            return layer(x)

    return slow


def contestants() -> tuple[dict[str, Layer], list[str]]:
    """Layers by name, all with ArcTan where a surrogate can be chosen, and the libraries that are not installed."""
    layers = {
        FLOOR: torch.relu,
        "snnx IF": fresh(IF()),
        "snnx LIF": fresh(LIF()),
        "snnx PLIF": fresh(PLIF()),
        "snnx KLIF": fresh(KLIF()),
        "snnx TTFS": fresh(TTFS()),
        "snnx LIF, definition": definition(LIF()),
        "SpikingJelly LIF": fresh(LIFNode(step_mode="m", surrogate_function=ATan())),
    }
    missing = []
    for name, build in LIBRARIES.items():
        try:
            layers[f"{name} LIF"] = build()
        except ImportError:
            missing.append(name)
    return layers, missing


def measure(layers: dict[str, Layer], shape: tuple[int, ...], rounds: int) -> dict[str, list[float]]:
    """Seconds of each round of each layer.

    The layers take turns, so that all meet the same neighbours on the machine, in an order drawn anew each round, so that
    none always finds caches and free memory as the same other one left them.

    Shape:
        input and gradient are standard normal `shape`, `[T, B, *]`.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator).requires_grad_()
    gradient = torch.randn(shape, generator=generator)
    seconds = {name: [] for name in layers}
    order, draw = list(layers.items()), random.Random(0)
    for turn in range(WARM_UP + rounds):
        for name, layer in draw.sample(order, len(order)):
            x.grad = None
            start = time.perf_counter()
            layer(x).backward(gradient)
            if turn >= WARM_UP:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def medians(seconds: dict[str, list[float]]) -> dict[str, float]:
    """The median of each layer.

    Example:
        >>> medians({"ReLU": [1.0, 9.0, 2.0]})
        {'ReLU': 2.0}
    """
    return {name: statistics.median(rounds) for name, rounds in seconds.items()}

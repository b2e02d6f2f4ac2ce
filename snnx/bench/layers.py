"""What one layer costs, forward and backward, beside a ReLU on the same tensor."""

from collections.abc import Callable, Sequence

import torch
from spikingjelly.activation_based.neuron import LIFNode
from spikingjelly.activation_based.surrogate import ATan
from torch import Tensor, nn

from snnx.bench.draw import bars
from snnx.bench.libraries import LIBRARIES
from snnx.bench.turns import in_turns, medians
from snnx.neuron.if_ import IF
from snnx.neuron.kernel.find import definition_only
from snnx.neuron.klif import KLIF
from snnx.neuron.lif import LIF
from snnx.neuron.plif import PLIF
from snnx.neuron.ttfs import TTFS
from snnx.report.figures.axes import Plot
from snnx.report.tables.table import Table

SHAPES = ((4, 32, 64, 8, 8), (8, 32, 64, 16, 16), (16, 32, 64, 16, 16))
"""`[T, B, *]`, feature maps of a convolutional net: half a million to eight million elements."""
FULL = {"shapes": SHAPES, "rounds": 20}
SMOKE = {"shapes": ((3, 2, 8),), "rounds": 2}

Layer = Callable[[Tensor], Tensor]
FLOOR, PEER = "ReLU", "SpikingJelly LIF"


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
        PEER: fresh(LIFNode(step_mode="m", surrogate_function=ATan())),
    }
    missing = []
    for name, build in LIBRARIES.items():
        try:
            layers[f"{name} LIF"] = build()
        except ImportError:
            missing.append(name)
    return layers, missing


def measure(shapes: Sequence[tuple[int, ...]], rounds: int) -> dict:
    """Every round of every layer at every shape, in seconds, and the libraries that are not installed."""
    layers, missing = contestants()
    shown = [{"shape": list(shape), "seconds": one_shape(layers, shape, rounds)} for shape in shapes]
    return {"rounds": rounds, "missing": missing, "shapes": shown}


def one_shape(layers: dict[str, Layer], shape: tuple[int, ...], rounds: int) -> dict[str, list[float]]:
    """Seconds of each round of each layer.

    Shape:
        input and gradient are standard normal `shape`, `[T, B, *]`.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator).requires_grad_()
    gradient = torch.randn(shape, generator=generator)

    def forget() -> None:
        x.grad = None

    def both(layer: Layer) -> Callable[[], None]:
        return lambda: layer(x).backward(gradient)

    return in_turns({name: both(layer) for name, layer in layers.items()}, rounds, before=forget)


def tables(measured: dict) -> list[Table]:
    """One a shape."""
    columns = ("layer", "ms", f"x {FLOOR}", "x faster than SpikingJelly")
    made = []
    for case in measured["shapes"]:
        median = medians(case["seconds"])
        rows = tuple(
            (name, f"{1e3 * value:.3f}", f"{value / median[FLOOR]:.2f}", f"{median[PEER] / value:.1f}")
            for name, value in median.items()
        )
        title = f"Layer on {case['shape']} float32, forward + backward, median of {measured['rounds']}"
        made.append(Table(title, columns, "lrrr", rows))
    return made


def notes(measured: dict) -> list[str]:
    """What the tables do not show."""
    if not measured["missing"]:
        return []
    return [f"Not installed, skipped: {', '.join(measured['missing'])}; pip install 'snnx[bench]' brings them."]


def plot(measured: dict) -> Plot:
    """Each layer's cost as a multiple of the floor's."""
    groups = {}
    for case in measured["shapes"]:
        median = medians(case["seconds"])
        groups[str(case["shape"])] = {name: value / median[FLOOR] for name, value in median.items() if name != FLOOR}
    return bars("layers", "One layer, forward + backward, float32: time as a multiple of torch.relu's", groups)

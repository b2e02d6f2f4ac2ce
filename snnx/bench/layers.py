"""Measures one layer, forward and backward, in comparison to a ReLU on the same tensor."""

from collections.abc import Callable, Sequence

import torch
from spikingjelly.activation_based.functional import reset_net
from spikingjelly.activation_based.neuron import LIFNode
from spikingjelly.activation_based.surrogate import ATan
from torch import Tensor, nn

from snnx.bench.alif import ALIF
from snnx.bench.draw import bars
from snnx.bench.libraries import LIBRARIES
from snnx.bench.turns import in_turns, medians
from snnx.bench.twin import BASELINE
from snnx.neuron.end_at_rest import end_at_rest
from snnx.neuron.if_ import IF
from snnx.neuron.kernel.find import definition_only
from snnx.neuron.klif import KLIF
from snnx.neuron.lif import LIF
from snnx.neuron.plif import PLIF
from snnx.neuron.take_norms import take_norms
from snnx.neuron.ttfs import TTFS
from snnx.norm.batch import Batch
from snnx.report.figures.axes import Plot
from snnx.report.tables.table import Table

SHAPES = ((4, 32, 64, 8, 8), (8, 32, 64, 16, 16), (16, 32, 64, 16, 16))
"""`[T, B, C, H, W]` as in a convolutional network, with half a million to eight million elements."""
FULL = {"shapes": SHAPES, "rounds": 20}
SMOKE = {"shapes": ((3, 2, 8),), "rounds": 2}

Layer = Callable[[Tensor], Tensor]
SPIKINGJELLY_LIF = "SpikingJelly LIF"


def fresh(module: nn.Module) -> Layer:
    """Reset the neurons before every call and let them end at rest, as training does."""
    end_at_rest(module)

    def layer(x: Tensor) -> Tensor:
        reset_net(module)
        return module(x)

    return layer


def definition(node: nn.Module) -> Layer:
    """Run `node` without its fused kernel, by its definition step by step."""
    layer = fresh(node)

    def slow(x: Tensor) -> Tensor:
        with definition_only():
            return layer(x)

    return slow


def behind_norm(after: nn.Module, shape: tuple[int, ...]) -> Layer:
    """Put a batch norm in front of a layer; a neuron layer then computes the norm, too."""
    layers = nn.Sequential(Batch(shape[2]), after)
    take_norms(layers, torch.zeros(shape))
    return fresh(layers)


def unfused_norm(after: nn.Module, shape: tuple[int, ...]) -> Layer:
    """Put a batch norm in front of a neuron layer, which does not compute the norm."""
    return fresh(nn.Sequential(Batch(shape[2], fused=False), after))


def compared_layers(shape: tuple[int, ...]) -> tuple[dict[str, Layer], list[str]]:
    """Build the layers to compare for input of this shape, with ArcTan as surrogate where it can be chosen.

    Returns:
        The layers by name, and the names of the libraries that are not installed.
    """
    layers = {
        BASELINE: torch.relu,
        "snnx IF": fresh(IF()),
        "snnx LIF": fresh(LIF()),
        "snnx PLIF": fresh(PLIF()),
        "snnx KLIF": fresh(KLIF()),
        "snnx TTFS": fresh(TTFS()),
        "a user's ALIF": fresh(ALIF()),
        "snnx LIF, definition": definition(LIF()),
        "norm, ReLU": behind_norm(nn.ReLU(), shape),
        "norm, snnx LIF as one": behind_norm(LIF(), shape),
        "norm, snnx LIF as two": unfused_norm(LIF(), shape),
        SPIKINGJELLY_LIF: fresh(LIFNode(step_mode="m", surrogate_function=ATan())),
    }
    missing = []
    for name, build in LIBRARIES.items():
        try:
            layers[f"{name} LIF"] = build()
        except ImportError:
            missing.append(name)
    return layers, missing


def measure(shapes: Sequence[tuple[int, ...]], rounds: int) -> dict:
    """Time every layer at every shape.

    Args:
        shapes: `[T, B, *]` of the input.
        rounds: how often each layer is timed.

    Returns:
        The seconds of every round by shape and layer, and under `missing` the libraries that are not installed.
    """
    shown = []
    for shape in shapes:
        layers, missing = compared_layers(shape)
        shown.append({"shape": list(shape), "seconds": one_shape(layers, shape, rounds)})
    return {"rounds": rounds, "missing": missing, "shapes": shown}


def one_shape(layers: dict[str, Layer], shape: tuple[int, ...], rounds: int) -> dict[str, list[float]]:
    """Time every layer at one shape; returns the seconds of every round by layer.

    Shape:
        input and gradient are standard normal tensors of `shape`, `[T, B, *]`.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator).requires_grad_()
    gradient = torch.randn(shape, generator=generator)

    def clear_gradient() -> None:
        x.grad = None

    def forward_backward(layer: Layer) -> Callable[[], None]:
        return lambda: layer(x).backward(gradient)

    return in_turns({name: forward_backward(layer) for name, layer in layers.items()}, rounds, before=clear_gradient)


def tables(measured: dict) -> list[Table]:
    """Make one table per shape."""
    columns = ("layer", "ms", f"x {BASELINE}", "x faster than SpikingJelly")
    made = []
    for case in measured["shapes"]:
        median = medians(case["seconds"])
        rows = tuple(
            (name, f"{1e3 * value:.3f}", f"{value / median[BASELINE]:.2f}", f"{median[SPIKINGJELLY_LIF] / value:.1f}")
            for name, value in median.items()
        )
        title = f"Layer on {case['shape']} float32, forward + backward, median of {measured['rounds']}"
        made.append(Table(title, columns, "lrrr", rows))
    return made


def notes(measured: dict) -> list[str]:
    """Name the libraries that were skipped because they are not installed."""
    if not measured["missing"]:
        return []
    return [f"Skipped because they are not installed: {', '.join(measured['missing'])}; run: pip install 'snnx[bench]'"]


def plot(measured: dict) -> Plot:
    """Draw the time of each layer as a multiple of the baseline's."""
    groups = {}
    for case in measured["shapes"]:
        median = medians(case["seconds"])
        groups[str(case["shape"])] = {name: value / median[BASELINE] for name, value in median.items() if name != BASELINE}
    return bars("layers", "One layer, forward + backward, float32: time as a multiple of torch.relu's", groups)

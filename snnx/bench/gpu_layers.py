"""Measures every layer of neurons on a GPU, in comparison to ReLU and to the bytes that it must move."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn

from snnx.bench.alif import ALIF
from snnx.bench.bytes_moved import by_kernel, by_operations, least
from snnx.bench.layers import SPIKINGJELLY_LIF, compared_layers, fresh
from snnx.bench.steps import DTYPES
from snnx.bench.turns import in_turns, medians
from snnx.bench.twin import BASELINE
from snnx.compose.single import composed
from snnx.neuron.node import Node
from snnx.neuron.spiking import is_spiking
from snnx.options.files import files
from snnx.report.tables.table import Table
from snnx.run.component import component

REPEATED = 10
"""How often a layer is called between two waits for the GPU, so that waiting takes a small share of the time."""
UNKNOWN = ("norm, ReLU", "norm, snnx LIF as one", "norm, snnx LIF as two", SPIKINGJELLY_LIF)
"""Layers with kernels of torch or of a library, of which only the least number of bytes is known."""


@cache
def options() -> dict[str, dict]:
    """Return the configuration of each option of conf/neuron, with the default surrogate."""
    return {name: composed([f"neuron={name}"], "snnx bench gpu").config for name in files("neuron")}


def neurons_of(steps: int) -> dict[str, nn.Module]:
    """Build every spiking neuron of conf/neuron with the values of its option, for this number of steps."""
    built = {}
    for config in options().values():
        values = config["neuron"] | ({"timesteps": steps} if "timesteps" in config["neuron"] else {})
        node = component({**config, "neuron": values}, "neuron")()
        if is_spiking(node):
            built[f"snnx {type(node).__name__}"] = node
    return built


def compared(shape: tuple[int, ...], device: torch.device) -> dict[str, Callable[[Tensor], Tensor]]:
    """Build ReLU, every shipped neuron, and the other layers of `snnx bench layers` on a device.

    Libraries that are not installed are left out.
    """
    neurons = {name: fresh(node.to(device)) for name, node in neurons_of(shape[0]).items()}
    with torch.device(device):
        layers, _ = compared_layers(shape)
    return {BASELINE: layers[BASELINE], **neurons, **{name: one for name, one in layers.items() if name not in neurons}}


def moved(shape: tuple[int, ...], dtype: torch.dtype) -> dict[str, int | None]:
    """Return the bytes that each layer of `compared` moves; `None` where only the least number is known."""
    counts = {}
    neurons = neurons_of(shape[0]) | {"a user's ALIF": ALIF()}
    for name, layer in compared(shape, torch.device("cpu")).items():
        node = neurons.get(name)
        if isinstance(node, Node) and not isinstance(node.fused(torch.zeros(shape[0], 1), (torch.zeros(1),)), str):
            counts[name] = by_kernel(node, shape, dtype.itemsize)
        else:
            counts[name] = None if name in UNKNOWN else by_operations(layer, shape, dtype)
    return counts


def wait(device: torch.device) -> None:
    """Wait until a GPU has computed everything that it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure(shape: tuple[int, ...], dtype: str, rounds: int, device: torch.device) -> dict:
    """Time every layer at one shape.

    Args:
        shape: `[T, B, C, H, W]` of the input.
        dtype: `float32` or `bfloat16`.
        rounds: how often each layer is timed.
        device: where to measure.

    Returns:
        The seconds of every round and the bytes that are moved, by layer.
    """
    counted = moved(shape, DTYPES[dtype])  # first: Norse makes tensors when it is imported, which must be on the CPU
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator).to(device, DTYPES[dtype]).requires_grad_()
    gradient = torch.randn(shape, generator=generator).to(device, DTYPES[dtype])

    def call(layer: Callable[[Tensor], Tensor]) -> Callable[[], None]:
        def forward_backward() -> None:
            for _ in range(REPEATED):
                x.grad = None
                out = layer(x)
                out.backward(gradient.to(out.dtype))
            wait(device)

        return forward_backward

    calls = {name: call(layer) for name, layer in compared(shape, device).items()}
    seconds = {name: [s / REPEATED for s in found] for name, found in in_turns(calls, rounds).items()}
    fewest = least(shape, x.element_size())
    return {"shape": list(shape), "dtype": dtype, "least": fewest, "moved": counted, "seconds": seconds}


def table(case: dict, copied: float, rounds: int) -> Table:
    """Make the table of one shape; `copied` is the rate of copies in bytes a second."""
    median = medians(case["seconds"])
    rows = tuple(
        (name, f"{1e6 * value:.0f}", f"{value / median[BASELINE]:.2f}", *_traffic(case, name, value, copied))
        for name, value in median.items()
    )
    title = f"Layer on {case['shape']} {case['dtype']}, forward + backward, median of {rounds}"
    return Table(title, ("layer", "µs", f"x {BASELINE}", "MB moved", "share of the copy rate"), "lrrrr", rows)


def _traffic(case: dict, name: str, seconds: float, copied: float) -> tuple[str, str]:
    """Return the megabytes that a layer moves, and the share of the copy rate at which it moves them."""
    known = case["moved"][name]
    number = case["least"] if known is None else known
    least_of_all = "≥ " if known is None else ""
    return f"{least_of_all}{number / 1e6:.1f}", f"{least_of_all}{100 * number / seconds / copied:.0f}%"

"""Measures layers and training steps on a GPU, in comparison to ReLU and to the rate at which the card copies memory."""

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter

import torch
from spikingjelly.activation_based.neuron import LIFNode
from spikingjelly.activation_based.surrogate import ATan
from torch import Tensor, nn

from snnx.backbone.resnet import ResNet
from snnx.backbone.spikformer import Spikformer
from snnx.backbone.spikformer_spikingjelly import SpikformerSpikingJelly
from snnx.backbone.vgg import VGG
from snnx.backbone.vit import ViT
from snnx.bench.layers import SHAPES, compared_layers, fresh
from snnx.bench.steps import BASELINE, DTYPES, PACKED, RECOMPUTED, SAVING, SPIKINGJELLY_LIF, SPIKINGJELLY_NETWORK, Network, Step
from snnx.bench.turns import in_turns, medians
from snnx.neuron.lif import LIF
from snnx.neuron.lif_delayed import LIFDelayed
from snnx.report.tables.table import Table

NETWORKS = (
    Network("ViT", ViT, (10, 128, 1, 28, 28)),
    Network("VGG-11", VGG, (4, 128, 3, 32, 32)),
    Network("ResNet-18", ResNet, (4, 128, 3, 32, 32)),
    Network("ResNet-19", partial(ResNet, depth=19), (4, 128, 3, 32, 32)),
    Network("Spikformer-4-384", Spikformer, (4, 128, 3, 32, 32), peer=SpikformerSpikingJelly),
)
FULL = {"shapes": SHAPES, "networks": NETWORKS, "rounds": 20, "megabytes": 1024}
SMOKE = {
    "shapes": ((3, 2, 4, 2, 2),),
    "networks": (
        Network(
            "Spikformer, tiny", partial(Spikformer, embed_dim=8, heads=2, depth=1), (2, 2, 3, 32, 32),
            peer=partial(SpikformerSpikingJelly, embed_dim=8, heads=2, depth=1),
        ),
    ),
    "rounds": 2,
    "megabytes": 1,
}  # fmt: skip
REPEATED = 10
"""How often a layer is called between two waits for the GPU, so that waiting takes a small share of the time."""
PASSES = 5
"""How often a layer that keeps only its input must read or write each value: two of forward, three of backward."""


def measure(
    shapes: Sequence[tuple[int, ...]],
    networks: Sequence[Network],
    rounds: int,
    megabytes: int,
    device: torch.device | None = None,
) -> dict:
    """Time every layer at every shape and every network's training step, in float32 and in bfloat16.

    Args:
        shapes: `[T, B, C, H, W]` of the layers' input.
        networks: the networks.
        rounds: how often each is timed.
        megabytes: size of the tensor whose copying is timed.
        device: where to measure; by default the GPU.

    Returns:
        The name of the device, `None` without a GPU; and then the rate of copies in bytes a second, and for each shape,
        network and precision the seconds of every round and the peak memory in bytes.
    """
    if device is None:
        if not torch.cuda.is_available():
            return {"device": None}
        device = torch.device("cuda")
    named = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    layers = [_layers(shape, dtype, rounds, device) for shape in shapes for dtype in DTYPES]
    steps = [_steps(network, dtype, rounds, device) for network in networks for dtype in DTYPES]
    return {"device": named, "rounds": rounds, "copied": _copy_rate(megabytes, device), "layers": layers, "steps": steps}


def compared(shape: tuple[int, ...], device: torch.device) -> dict[str, Callable[[Tensor], Tensor]]:
    """Build the layers of `snnx bench layers` on a device, and LIFDelayed; libraries that are not installed are left out."""
    with torch.device(device):
        layers, _ = compared_layers(shape)
        return {**layers, "snnx LIFDelayed": fresh(LIFDelayed())}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _layers(shape: tuple[int, ...], dtype: str, rounds: int, device: torch.device) -> dict:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator).to(device, DTYPES[dtype]).requires_grad_()
    gradient = torch.randn(shape, generator=generator).to(device, DTYPES[dtype])

    def call(layer: Callable[[Tensor], Tensor]) -> Callable[[], None]:
        def forward_backward() -> None:
            for _ in range(REPEATED):
                x.grad = None
                out = layer(x)
                out.backward(gradient.to(out.dtype))
            _wait(device)

        return forward_backward

    calls = {name: call(layer) for name, layer in compared(shape, device).items()}
    seconds = {name: [s / REPEATED for s in found] for name, found in in_turns(calls, rounds).items()}
    return {"shape": list(shape), "dtype": dtype, "values": x.numel(), "bytes": x.element_size(), "seconds": seconds}


def _steps(network: Network, dtype: str, rounds: int, device: torch.device) -> dict:
    neurons = {BASELINE: nn.ReLU, "snnx LIF": LIF, PACKED: LIF, RECOMPUTED: LIF}
    neurons[SPIKINGJELLY_LIF] = partial(LIFNode, step_mode="m", surrogate_function=ATan())
    built = {name: (network, neuron) for name, neuron in neurons.items()}
    if network.peer is not None:
        built[SPIKINGJELLY_NETWORK] = network._replace(build=network.peer), neurons[SPIKINGJELLY_LIF]
    seconds, peak = {}, {}
    for name, (one, neuron) in built.items():  # one after another, since all of them together may not fit into the memory
        step = Step(one, neuron, DTYPES[dtype], saving=SAVING.get(name, ()), device=device)
        step()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

        def waiting(step: Step = step) -> None:
            step()
            _wait(device)

        seconds |= in_turns({name: waiting}, rounds)
        peak[name] = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    images = network.shape[1]
    return {"network": network.name, "images": images, "dtype": dtype, "seconds": seconds, "peak": peak}


def _copy_rate(megabytes: int, device: torch.device) -> float:
    """Return the bytes a second that a copy reads and writes: the median of twenty copies."""
    x = torch.zeros(megabytes << 18, device=device)  # 4 bytes each
    y, seconds = torch.empty_like(x), []
    for _ in range(20):
        _wait(device)
        began = perf_counter()
        y.copy_(x)
        _wait(device)
        seconds.append(perf_counter() - began)
    return 2 * x.nbytes / sorted(seconds)[len(seconds) // 2]


def tables(measured: dict) -> list[Table]:
    """Make one table per shape or network and precision; without a GPU, one that says so."""
    if measured["device"] is None:
        return [Table("GPU", ("measurement", "result"), "ll", (("layers and training steps", "not measured: no GPU"),))]
    made = [
        Table("Card", ("device", "copies, GB/s"), "lr", ((measured["device"], f"{measured['copied'] / 1e9:.0f}"),)),
    ]
    for case in measured["layers"]:
        median = medians(case["seconds"])
        least = PASSES * case["bytes"] * case["values"] / measured["copied"]
        rows = tuple(
            (name, f"{1e6 * value:.0f}", f"{value / median[BASELINE]:.2f}", f"{100 * least / value:.0f}%")
            for name, value in median.items()
        )
        title = f"Layer on {case['shape']} {case['dtype']}, forward + backward, median of {measured['rounds']}"
        made.append(Table(title, ("layer", "µs", f"x {BASELINE}", "share of the copy rate"), "lrrr", rows))
    for case in measured["steps"]:
        median = medians(case["seconds"])
        rows = tuple(
            (name, f"{1e3 * value:.1f}", f"{value / median[BASELINE]:.2f}", f"{case['images'] / value:.0f}",
             f"{case['peak'][name] / 1e6:.0f}")
            for name, value in median.items()
        )  # fmt: skip
        title = f"Training step of {case['network']}, {case['images']} images, {case['dtype']}, median of {measured['rounds']}"
        made.append(Table(title, ("neurons", "ms", f"x {BASELINE}", "images/s", "peak memory, MB"), "lrrrr", rows))
    return made

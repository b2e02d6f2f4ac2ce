"""Measures layers, training steps and small runs on a GPU, in comparison to ReLU and to the rate at which it copies memory."""

import gc
from collections.abc import Sequence
from functools import partial
from math import nan
from time import perf_counter

import torch
from torch import nn

from snnx.backbone.compiled import compile_training
from snnx.backbone.convnet import ConvNet
from snnx.backbone.resnet import ResNet
from snnx.backbone.spikformer import Spikformer
from snnx.backbone.spikformer_spikingjelly import SpikformerSpikingJelly
from snnx.backbone.vgg import VGG
from snnx.backbone.vit import ViT
from snnx.bench import gpu_layers, small_runs
from snnx.bench.gpu_layers import neurons_of, wait
from snnx.bench.layers import SHAPES
from snnx.bench.steps import DTYPES, Step
from snnx.bench.turns import in_turns, medians
from snnx.bench.twin import BASELINE, COMPILED, HALVES, LAYOUT, TWINS, Network, Twin, spikingjelly_network
from snnx.neuron.lif import LIF
from snnx.report.tables.table import Table

OVERHEAD = partial(compile_training, mode="reduce-overhead")
"""Records the launches of a step once and then repeats them, which matters for small networks."""
TF32 = {"ReLU, TF32": Twin(nn.ReLU, matmul="high"), "snnx LIF, TF32": Twin(LIF, matmul="high")}
RECORDED = {
    "ReLU, compiled with reduce-overhead": Twin(nn.ReLU, (OVERHEAD,)),
    "snnx LIF, compiled with reduce-overhead": Twin(LIF, (OVERHEAD,)),
}
SPIKINGJELLY = spikingjelly_network(SpikformerSpikingJelly)
NETWORKS = (
    Network("ViT", ViT, (10, 128, 1, 28, 28)),
    Network("VGG-11", VGG, (4, 128, 3, 32, 32), {**TWINS, **LAYOUT}),
    Network("ResNet-18", ResNet, (4, 128, 3, 32, 32), {**TWINS, **HALVES, **LAYOUT, **TF32, **COMPILED}),
    Network("ResNet-19", partial(ResNet, depth=19), (4, 128, 3, 32, 32)),
    Network("Spikformer-4-384", Spikformer, (4, 128, 3, 32, 32), {**TWINS, **SPIKINGJELLY, **TF32}),
    Network("small convolutional network", ConvNet, (8, 64, 1, 28, 28), {**TWINS, **COMPILED, **RECORDED}),
)
FULL = {
    "shapes": SHAPES,
    "networks": NETWORKS,
    "rounds": 20,
    "megabytes": 1024,
    "small": {"runs": 8, "at_once": (1, 2, 4, 8)},
}
SMOKE = {
    "shapes": ((3, 2, 4, 2, 2),),
    "networks": (
        Network(
            "Spikformer, tiny", partial(Spikformer, embed_dim=8, heads=2, depth=1), (2, 2, 3, 32, 32),
            {**TWINS, **spikingjelly_network(partial(SpikformerSpikingJelly, embed_dim=8, heads=2, depth=1)), **LAYOUT},
        ),
    ),
    "rounds": 2,
    "megabytes": 1,
    "small": {"runs": 2, "at_once": (1, 2), "words": small_runs.TINY},
}  # fmt: skip
NOT_MEASURED = "not measured: no GPU"


def measure(
    shapes: Sequence[tuple[int, ...]],
    networks: Sequence[Network],
    rounds: int,
    megabytes: int,
    small: dict,
    device: torch.device | None = None,
) -> dict:
    """Time every layer at every shape and every network's training step, in float32 and in bfloat16, and sweeps of small runs.

    Args:
        shapes: `[T, B, C, H, W]` of the layers' input.
        networks: the networks.
        rounds: how often each is timed.
        megabytes: size of the tensor whose copying is timed.
        small: the sweeps of small runs: how many runs, and how many of them at once.
        device: where to measure; by default the GPU.

    Returns:
        The name of the device, and what was measured on it: the rate of copies in bytes a second; for each shape, network and
        precision the seconds of every round, the bytes that are moved and the peak memory in bytes; and the seconds of sweeps.
        Without a GPU the name is `None`, and the measurements that need one are listed.
    """
    if device is None:
        if not torch.cuda.is_available():
            return {"device": None, "missing": missing(shapes, networks, small)}
        device = torch.device("cuda")
    named = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    layers = [gpu_layers.measure(shape, dtype, rounds, device) for shape in shapes for dtype in DTYPES]
    steps = [_steps(network, dtype, rounds, device) for network in networks for dtype in DTYPES]
    copied, runs = _copy_rate(megabytes, device), small_runs.measure(**small, accelerator=device.type)
    return {"device": named, "rounds": rounds, "copied": copied, "layers": layers, "steps": steps, "small": runs}


def missing(shapes: Sequence[tuple[int, ...]], networks: Sequence[Network], small: dict) -> list[str]:
    """Name what needs a GPU."""
    neurons = [name.removeprefix("snnx ") for name in neurons_of(shapes[0][0])]
    layers = [f"every neuron and other layers on {list(shape)} {dtype}" for shape in shapes for dtype in DTYPES]
    steps = [
        f"training step of {network.name}, {network.shape[1]} images, {dtype}"
        + "".join(f"; {name}" for name in network.twins if name not in TWINS)
        for network in networks
        for dtype in DTYPES
    ]
    runs = [f"a run in a sweep of {small['runs']} small runs, {n} at once" for n in small["at_once"]]
    return ["rate of copies", f"neurons: {', '.join(neurons)}", *layers, *steps, *runs]


def _steps(network: Network, dtype: str, rounds: int, device: torch.device) -> dict:
    seconds, peak, failed = {}, {}, []
    for name, twin in network.twins.items():  # one after another, since all of them together may not fit into the memory
        gc.collect()  # frees the twin before
        try:
            seconds[name], peak[name] = _timed(Step(network, twin, DTYPES[dtype], device), rounds)
        except torch.OutOfMemoryError:
            failed.append(name)
    return {
        "network": network.name, "images": network.shape[1], "dtype": dtype, "seconds": seconds, "peak": peak,
        "out_of_memory": failed,
    }  # fmt: skip


def _timed(step: Step, rounds: int) -> tuple[list[float], int]:
    """Return the seconds of every round, and the peak of the memory in bytes, which is 0 on a CPU."""
    step()
    on_card = step.device.type == "cuda"
    if on_card:
        torch.cuda.reset_peak_memory_stats(step.device)

    def waiting() -> None:
        step()
        wait(step.device)

    seconds = in_turns({"step": waiting}, rounds)["step"]
    return seconds, torch.cuda.max_memory_allocated(step.device) if on_card else 0


def _copy_rate(megabytes: int, device: torch.device) -> float:
    """Return the bytes a second that a copy reads and writes: the median of twenty copies."""
    x = torch.zeros(megabytes << 18, device=device)  # 4 bytes each
    y, seconds = torch.empty_like(x), []
    for _ in range(20):
        wait(device)
        began = perf_counter()
        y.copy_(x)
        wait(device)
        seconds.append(perf_counter() - began)
    return 2 * x.nbytes / sorted(seconds)[len(seconds) // 2]


def tables(measured: dict) -> list[Table]:
    """Make one table per shape or network and precision; without a GPU, one that says so."""
    if measured["device"] is None:
        return [Table("GPU", ("measurement", "result"), "ll", tuple((what, NOT_MEASURED) for what in measured["missing"]))]
    made = [
        Table("Card", ("device", "copies, GB/s"), "lr", ((measured["device"], f"{measured['copied'] / 1e9:.0f}"),)),
    ]
    made += [gpu_layers.table(case, measured["copied"], measured["rounds"]) for case in measured["layers"]]
    for case in measured["steps"]:
        median = medians(case["seconds"])
        rows = tuple(
            (name, f"{1e3 * value:.1f}", f"{value / median.get(BASELINE, nan):.2f}", f"{case['images'] / value:.0f}",
             f"{case['peak'][name] / 1e6:.0f}")
            for name, value in median.items()
        ) + tuple((name, "out of memory", "", "", "") for name in case["out_of_memory"])  # fmt: skip
        title = f"Training step of {case['network']}, {case['images']} images, {case['dtype']}, median of {measured['rounds']}"
        made.append(Table(title, ("network", "ms", f"x {BASELINE}", "images/s", "peak memory, MB"), "lrrrr", rows))
    return [*made, small_runs.table(measured["small"])]

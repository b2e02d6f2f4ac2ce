"""Measures a whole training step, in comparison to the same network with ReLU."""

import os
from collections.abc import Sequence
from functools import partial

import torch
from spikingjelly.activation_based import functional
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim import AdamW, Optimizer

from snnx.backbone.chain import Chain
from snnx.backbone.compiled import without_compiler
from snnx.backbone.recompute_steps import recompute_segments
from snnx.backbone.resnet import ResNet
from snnx.backbone.spikformer import Spikformer
from snnx.backbone.spikformer_spikingjelly import SpikformerSpikingJelly
from snnx.backbone.vgg import VGG
from snnx.backbone.vit import ViT
from snnx.bench.draw import bars
from snnx.bench.turns import in_turns, medians
from snnx.bench.twin import BASELINE, COMPILED, HALVES, LAYOUT, PLAIN, TWINS, Network, Twin, spikingjelly_network
from snnx.neuron.end_at_rest import end_at_rest
from snnx.neuron.lif import LIF
from snnx.neuron.take_norms import take_norms
from snnx.norm.none import NoNorm
from snnx.report.figures.axes import Plot
from snnx.report.tables.table import Table
from snnx.run.matmul import set_matmul

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
CLASSES = 10
LONG = [32, 32, "M", 64, 64, "M", 128, "G"]
"""Layers of a network for sequences of many steps, such as recordings of event cameras."""


def segments(steps: int) -> dict[str, Twin]:
    """A twin that computes segments of time again for its backward pass, which only a network without norms can do."""
    return {f"snnx LIF, segments of {steps} steps recomputed": Twin(LIF, (partial(recompute_segments, steps=steps),))}


EACH_STEP = partial(Chain, layers=LONG, hidden=[], norm=NoNorm)
LARGE = {
    "VGG-11, width 0.5": partial(VGG, width=0.5),
    "ResNet-18, width 0.5": partial(ResNet, width=0.5),
    "ResNet-19, width 0.25": partial(ResNet, depth=19, width=0.25),
    "Spikformer-4-384": Spikformer,
}
"""Networks that are also measured with 32 images, where bfloat16 saves more time than its conversions take."""
NETWORKS = (
    Network("ViT", ViT, (10, 16, 1, 28, 28)),
    Network("VGG-11, width 0.5", partial(VGG, width=0.5), (4, 8, 3, 32, 32), {**TWINS, **LAYOUT}),
    Network("ResNet-18, width 0.5", partial(ResNet, width=0.5), (4, 8, 3, 32, 32), {**TWINS, **HALVES, **LAYOUT, **COMPILED}),
    Network("Spikformer-4-384", Spikformer, (4, 8, 3, 32, 32), {**TWINS, **spikingjelly_network(SpikformerSpikingJelly)}),
    Network("convolutions without norms", EACH_STEP, (100, 4, 2, 32, 32), {**TWINS, **segments(10)}),
    *(Network(f"{name}, 32 images", build, (4, 32, 3, 32, 32), PLAIN) for name, build in LARGE.items()),
)
FULL = {"networks": NETWORKS, "rounds": 8}
TINY = {"embed_dim": 8, "heads": 2, "depth": 1}
SMOKE = {
    "networks": (
        Network("ViT, tiny", partial(ViT, **TINY), (2, 2, 1, 8, 8)),
        Network(
            "Spikformer, tiny", partial(Spikformer, **TINY), (2, 2, 3, 32, 32),
            {**TWINS, **spikingjelly_network(partial(SpikformerSpikingJelly, **TINY)), **HALVES, **LAYOUT},
        ),
        Network("long, tiny", partial(EACH_STEP, layers=[4, "G"]), (4, 2, 2, 8, 8), {**TWINS, **segments(2)}),
    ),
    "rounds": 2,
}  # fmt: skip


class Step:
    """Performs one training step of a network's twin when called: forward, backward and optimizer."""

    def __init__(self, network: Network, twin: Twin, dtype: torch.dtype, device: torch.device | None = None) -> None:
        torch.manual_seed(0)
        self.net = (twin.build or network.build)(neuron=twin.neuron, in_shape=network.shape[2:], classes=CLASSES)
        take_norms(self.net, torch.zeros(network.shape[0], 1, *network.shape[2:]))  # this and the next as in a run
        end_at_rest(self.net)
        for change in twin.changes:
            change(self.net)
        self.device = torch.device("cpu") if device is None else device
        self.net.to(self.device)
        self.x = torch.rand(network.shape).to(self.device)
        self.labels = (torch.arange(network.shape[1]) % CLASSES).to(self.device)
        self.optimizer = AdamW(self.net.parameters())
        self.mixed, self.parts, self.matmul = dtype == torch.bfloat16, twin.parts, twin.matmul

    def __call__(self) -> None:
        set_matmul(self.matmul)
        for x, labels in zip(self.x.chunk(self.parts, dim=1), self.labels.chunk(self.parts), strict=True):
            functional.reset_net(self.net)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed):
                loss = cross_entropy(self.net(x).mean(0), labels) / self.parts
            loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        set_matmul("highest")

    def permanent(self) -> list[Tensor]:
        """The tensors that exist before a step begins: input, weights and the optimizer's moments."""
        return [self.x, *self.net.parameters(), *self.net.buffers(), *moments(self.optimizer)]


def moments(optimizer: Optimizer) -> list[Tensor]:
    """The tensors of the optimizer's state."""
    return [value for state in optimizer.state.values() for value in state.values() if isinstance(value, Tensor)]


def peak_mb(step: Step) -> float:
    """The peak of the memory that tensors take during a step, in MB (10^6 bytes).

    It is counted by torch's allocator, so it is the same on every run. Memory for code and threads, which is the same for all
    networks, is not included.
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # torch's profiler would print a greeting and warn that there is no GPU
    step()  # creates the optimizer's moments
    functional.reset_net(step.net)  # frees the state of the neurons, which the measured step would free otherwise
    now = highest = sum(tensor.nbytes for tensor in step.permanent())
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        step()
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            highest = max(highest, now)
    return highest / 1e6


def measure(networks: Sequence[Network], rounds: int) -> dict:
    """Measure time and peak memory of every twin of every network in every precision.

    Without a C++ compiler, twins that torch compiles are left out.

    Args:
        networks: the networks.
        rounds: how often each is timed.

    Returns:
        Under `cases`, for each network and precision, the seconds of every round and the peak memory in MB by twin.
    """
    cases, left_out = [], COMPILED if without_compiler() else {}
    for network in networks:
        compared = {name: twin for name, twin in network.twins.items() if name not in left_out}
        steps = {(d, name): Step(network, twin, dtype) for d, dtype in DTYPES.items() for name, twin in compared.items()}
        seconds = in_turns(steps, rounds)
        for dtype in DTYPES:
            cases.append(
                {
                    "network": network.name,
                    "shape": list(network.shape),
                    "dtype": dtype,
                    "seconds": {n: seconds[dtype, n] for n in compared},
                    "peak_mb": {n: peak_mb(steps[dtype, n]) for n in compared},
                }
            )
    return {"rounds": rounds, "cases": cases}


def tables(measured: dict) -> list[Table]:
    """Make one table per network and precision."""
    made = []
    for case in measured["cases"]:
        median, peak = medians(case["seconds"]), case["peak_mb"]
        rows = tuple(
            (
                n,
                f"{1e3 * median[n]:.1f}",
                f"{median[n] / median[BASELINE]:.2f}",
                f"{peak[n]:.1f}",
                f"{peak[n] / peak[BASELINE]:.2f}",
            )
            for n in median
        )
        title = f"Training step of {case['network']} on {case['shape']} {case['dtype']}, median of {measured['rounds']}"
        made.append(Table(title, ("network", "ms", f"x {BASELINE}", "peak memory, MB", f"x {BASELINE}"), "lrrrr", rows))
    return made


def notes(measured: dict) -> list[str]:
    """Explain how peak memory is counted."""
    return [
        "Peak memory is the largest amount that torch's allocator had allocated to tensors at any time of a step, weights and "
        "optimizer moments included."
    ]


def plot(measured: dict) -> Plot:
    """Draw the time of each network's step as a multiple of the baseline's."""
    groups: dict[str, dict[str, float]] = {}
    for case in measured["cases"]:
        median = medians(case["seconds"])
        for name in (name for name in median if name != BASELINE):
            groups.setdefault(case["dtype"], {})[f"{case['network']}: {name}"] = median[name] / median[BASELINE]
    return bars("steps", "One training step: time as a multiple of the same network's with ReLU, same precision", groups)

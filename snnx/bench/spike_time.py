"""Measures a training step with spike times, in comparison to the same network with ReLU."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Adam

from snnx.backbone.scnn import SCNN
from snnx.bench.turns import in_turns, medians
from snnx.report.tables.table import Table
from snnx.spike_time.constant_threshold import keep_threshold
from snnx.spike_time.dynamic_threshold import DynamicThreshold
from snnx.spike_time.planes import SpikePlanes
from snnx.spike_time.readout import EndMembrane

BASELINE, DYNAMIC, CONSTANT = "ReLU", "dynamic threshold", "constant threshold"
FULL = {"batch_size": 256, "width": 1.0, "rounds": 10}
SMOKE = {"batch_size": 2, "width": 0.1, "rounds": 1}


def measure(batch_size: int, width: float, rounds: int) -> dict:
    """Time a training step of CNN1 on 28x28 images with each kind of neuron.

    Args:
        batch_size: images per step.
        width: of the network, as a fraction of its full width.
        rounds: how often each network is timed.
    """
    images, labels = torch.rand(batch_size, 1, 28, 28), torch.randint(10, (batch_size,))
    images = images * (torch.rand_like(images) < 0.2)  # as many black pixels as in MNIST
    steps = {name: _step(name, images, labels, width) for name in (BASELINE, DYNAMIC, CONSTANT)}
    return {"batch_size": batch_size, "width": width, "rounds": rounds, "seconds": in_turns(steps, rounds)}


def _step(name: str, images: Tensor, labels: Tensor, width: float):
    neuron = nn.ReLU if name == BASELINE else DynamicThreshold
    torch.manual_seed(0)
    network = SCNN(neuron=neuron, in_shape=(1, 28, 28), classes=10, width=width, pool="max", bias=False)
    if name == CONSTANT:
        keep_threshold(network, values=False, clip=11.0)
    planes, readout, optimizer = SpikePlanes(in_channels=1), EndMembrane(), Adam(network.parameters())

    def step() -> None:
        optimizer.zero_grad()
        scores = network(images[None])[0] if name == BASELINE else readout(network(planes(images)))
        cross_entropy(scores, labels).backward()
        optimizer.step()

    return step


def tables(measured: dict) -> list[Table]:
    """Make the table, with one row per kind of neuron."""
    found = medians(measured["seconds"])
    rows = tuple((name, f"{1e3 * s:.0f}", f"{s / found[BASELINE]:.2f}") for name, s in found.items())
    title = f"Training step with spike times, CNN1, batch {measured['batch_size']}, median of {measured['rounds']}"
    return [Table(title, ("neurons", "ms", "x ReLU"), "lrr", rows)]

"""A step trains the network in either precision, and its peak memory is counted."""

import pytest
import torch
from torch import nn

from snnx.bench.steps import DTYPES, NETWORKS, SMOKE, Step, measure, peak_mb, plot, tables
from snnx.bench.twin import HALVES, LAYOUT, TWINS, Network, Twin
from snnx.neuron.lif import LIF

TINY = SMOKE["networks"][0]


@pytest.mark.parametrize("twin", {**TWINS, **LAYOUT})
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_step_changes_the_weights(dtype, twin):
    step = Step(TINY, {**TWINS, **LAYOUT}[twin], DTYPES[dtype])
    before = [p.detach().clone() for p in step.net.parameters()]
    step()
    moved = [not torch.equal(a, b) for a, b in zip(before, step.net.parameters(), strict=True)]
    assert any(moved)
    assert all(p.grad is None for p in step.net.parameters())


def test_two_halves_train_as_one_batch_does():
    """Without a batch norm the mean over the batch is that of the means over its halves."""
    plain, halves = (Step(SMOKE["networks"][2], twin, torch.float32) for twin in (Twin(LIF), *HALVES.values()))
    for step in (plain, halves):
        step()
    torch.testing.assert_close(list(plain.net.parameters()), list(halves.net.parameters()), rtol=1e-4, atol=1e-6)


class Wide(nn.Module):
    """A single linear layer on 1x1 images `[T, B, C, 1, 1]`; almost all its memory is its weight."""

    def __init__(self, *, neuron, in_shape, classes):
        super().__init__()
        self.fc = nn.Linear(in_shape[0], classes, bias=False)

    def forward(self, x):
        return self.fc(x.flatten(2))


def test_peak_memory_by_hand():
    """A step needs the weight, its gradient and AdamW's two moments, and AdamW uses one or two more arrays of that size."""
    weight = 100_000 * 10 * 4 / 1e6
    step = Step(Network("wide", Wide, (1, 1, 100_000, 1, 1)), Twin(nn.ReLU), torch.float32)
    assert 4 * weight < peak_mb(step) < 7 * weight
    assert peak_mb(step) == peak_mb(step)


def test_measured_networks_can_be_built():
    for network in NETWORKS:
        for build in {network.build, *(twin.build for twin in network.twins.values() if twin.build)}:
            with torch.device("meta"):
                net = build(neuron=nn.ReLU, in_shape=network.shape[2:], classes=10)
            assert sum(p.numel() for p in net.parameters()) > 80_000


def test_measures():
    measured = measure(**SMOKE)
    assert [case["dtype"] for case in measured["cases"]] == ["float32", "bfloat16"] * 3
    further = {
        "Spikformer, tiny": ["SpikingJelly's network and LIF", *HALVES, *LAYOUT],
        "long, tiny": ["snnx LIF, segments of 2 steps recomputed"],
    }
    for case in measured["cases"]:
        assert [*case["seconds"]] == [*case["peak_mb"]] == [*TWINS, *further.get(case["network"], [])]
        assert all(peak > 0 for peak in case["peak_mb"].values())
    assert [len(table.rows) for table in tables(measured)] == [5, 5, 9, 9, 6, 6]
    assert plot(measured).png.startswith(b"\x89PNG")

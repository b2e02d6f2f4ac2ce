"""Energies by Eqs 11 and 12 equal the paper's rows, and hops equal those of simulated paths."""

from itertools import pairwise

import pytest
import torch
from composing import composed

from snnx.energy.chips import relative_energy
from snnx.metric.mesh_energy import MeshEnergy, hops, mesh_energy_uj
from snnx.metric.recorder import Recorder
from snnx.metric.relative_energy import RelativeEnergy
from snnx.run.build import build_method

TABLE_2 = [  # steps, spikes in millions, TrueNorth, SpiNNaker
    (512, 2.612, 1, 1),
    (1500, 35.196, 7.1476, 9.6785),
    (1125, 6.92, 2.3781, 2.4865),
    (680, 0.069, 0.8074, 0.4950),
    (544, 0.067, 0.6478, 0.3989),
    (160, 0.073, 0.1987, 0.1304),
]


@pytest.mark.parametrize(("steps", "millions", "truenorth", "spinnaker"), TABLE_2)
def test_rows_of_table_2(steps, millions, truenorth, spinnaker):
    assert relative_energy(steps, 1e6 * millions, "truenorth") == pytest.approx(truenorth, abs=1.1e-4)
    assert relative_energy(steps, 1e6 * millions, "spinnaker") == pytest.approx(spinnaker, abs=1.1e-4)


def test_energy_of_a_frame_in_the_paper():
    """The paper reports 50.36 uJ; its rounded counts give 50.34."""
    assert mesh_energy_uj(71e3, 454e3) == pytest.approx(50.34, abs=0.005)


def test_hops_equal_those_of_simulated_paths():
    """Every spike goes from its core to each core of the next layer, first along x and then along y; with multicast, copies of
    a spike share the links that their paths have in common."""
    draw = torch.Generator().manual_seed(0)
    layers = [torch.randint(0, 9, (n,), generator=draw).double() for n in (7, 4, 1, 5)]
    side, first, walked, together = 5, 0, 0, 0  # 17 cores
    for spikes, following in pairwise(layers):
        for i, count in enumerate(spikes.tolist()):
            links = set()
            for j in range(len(following)):
                (y, x), (goal_y, goal_x) = divmod(first + i, side), divmod(first + len(spikes) + j, side)
                while (x, y) != (goal_x, goal_y):
                    here = x, y
                    x, y = (x + (goal_x > x) - (goal_x < x), y) if x != goal_x else (x, y + (goal_y > y) - (goal_y < y))
                    links.add((here, (x, y)))
                    walked += count
            together += count * len(links)
        first += len(spikes)
    assert hops(layers, multicast=False).item() == walked
    assert hops(layers).item() == together < walked


def test_energies_of_a_recorded_network():
    """The Recorder's energies equal those of spikes counted here: five windows, and one spike for each of ten outputs."""

    class Facts:
        shape, classes = (1, 28, 28), 10

    torch.manual_seed(0)
    words = ["method=ttfs", "backbone=scnn", "backbone.bias=false", "backbone.pool=max", "init=kaiming"]
    method = build_method({**composed(*words).config, "budget": {"width": 1.0}}, Facts()).eval()
    fired = []
    for name in ("features.sn1", "features.sn2", "classifier.sn3", "classifier.sn4"):
        method.backbone.get_submodule(name).register_forward_hook(lambda module, x, y: fired.append(y[0].sum().item() / 2))
    with Recorder(method.backbone, [RelativeEnergy(window_steps=10), MeshEnergy()]) as method.recorder, torch.no_grad():
        method.recorder.labels = torch.arange(2)
        method(torch.rand(2, 1, 28, 28))
        method.recorder.end_batch(torch.tensor([True, False]))
    found = method.recorder.scalars()
    assert found["test/spikes_in_total"] == pytest.approx(sum(fired) + 10)
    assert found["test/latency_steps"] == 60
    assert found["test/energy_truenorth"] == pytest.approx(relative_energy(60, sum(fired) + 10, "truenorth"))
    assert found["test/mesh_energy_uj"] == pytest.approx(mesh_energy_uj(sum(fired), found["test/hops"]))
    assert sum(fired) < found["test/hops"] < 50 * sum(fired)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: RelativeEnergy(window_steps=0), "RelativeEnergy: window_steps must be at least 1; got 0"),
        (lambda: MeshEnergy(core=0), "MeshEnergy: core must be at least 1; got 0"),
    ],
)
def test_bad_values(build, message):
    with pytest.raises(ValueError, match=message):
        build()

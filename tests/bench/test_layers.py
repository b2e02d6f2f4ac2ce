"""Every compared layer spikes, and calls are timed in turns; no test depends on the measured times."""

import torch

from snnx.bench.layers import SMOKE, compared_layers, measure, notes, plot, tables
from snnx.bench.turns import in_turns


def test_calls_take_turns():
    order = []
    calls = {name: lambda name=name: order.append(name) for name in "ab"}
    seconds = in_turns(calls, rounds=3, before=lambda: order.append("-"))
    rounds = ["".join(order[at : at + 4]) for at in range(0, 20, 4)]  # three rounds, and two for warming up
    assert set(rounds) == {"-a-b", "-b-a"}
    assert [len(rounds) for rounds in seconds.values()] == [3, 3]


def test_every_compared_layer_spikes():
    x = torch.zeros(4, 2, 8)
    x[:3, 0] = 8.0  # 1.29 behind a norm, since three of eight values are 8; Norse fires a step after its input
    layers, _ = compared_layers(x.shape)
    for name, layer in layers.items():
        assert layer(x).shape == x.shape, name
        assert layer(x).sum() > 0, name


def test_ratios_are_relative_to_relu():
    seconds = {"ReLU": [1.0], "snnx LIF": [1.5], "SpikingJelly LIF": [12.0]}
    measured = {"rounds": 1, "missing": ["Norse"], "shapes": [{"shape": [2, 1], "seconds": seconds}]}
    (table,) = tables(measured)
    assert table.rows[1] == ("snnx LIF", "1500.000", "1.50", "8.0")
    assert "not installed: Norse" in notes(measured)[0]
    assert plot(measured).png.startswith(b"\x89PNG")


def test_measures():
    measured = measure(**SMOKE)
    (case,) = measured["shapes"]
    assert case["shape"] == [3, 2, 8]
    assert {len(rounds) for rounds in case["seconds"].values()} == {2}

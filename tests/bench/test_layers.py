"""The measurement runs, takes turns, and writes what it shows; how fast anything is, no test says."""

import json

import pytest
import torch

from snnx.bench.command import main
from snnx.bench.layers import contestants, measure


def test_layers_take_turns():
    order = []

    def layer(name):
        return lambda x: order.append(name) or x * 1.0

    seconds = measure({"a": layer("a"), "b": layer("b")}, (2, 3), rounds=3)
    rounds = ["".join(order[at : at + 2]) for at in range(0, 10, 2)]  # two of them to warm up
    assert set(rounds) == {"ab", "ba"}
    assert [len(rounds) for rounds in seconds.values()] == [3, 3]


def test_every_contestant_spikes():
    layers, _ = contestants()
    x = torch.full((4, 2, 8), 3.0)
    for name, layer in layers.items():
        assert layer(x).shape == x.shape, name
        assert layer(x).sum() > 0, name


def test_command(tmp_path, capsys):
    file = tmp_path / "layers.json"
    assert main(["layers", "--rounds", "2", "--threads", "1", "--shape", "3,2,8", "--json", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "[3, 2, 8]" in shown
    assert "snnx PLIF" in shown
    written = json.loads(file.read_text())
    assert written["measured"][0]["shape"] == [3, 2, 8]
    assert len(written["measured"][0]["seconds"]["ReLU"]) == 2


def test_bad_values(capsys):
    assert main(["layers", "--rounds", "0"]) == 2
    assert "rounds and threads must be at least 1; got 0" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["neurons"])

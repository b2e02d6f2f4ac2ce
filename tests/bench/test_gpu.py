"""The benchmark of a GPU runs, here on a CPU, and says so where there is none."""

import pytest
import torch

from snnx.bench.gpu import SMOKE, compared, measure, tables
from snnx.command.bench import main


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(capsys):
    assert main(["gpu", "--smoke"]) == 0
    assert "not measured: no GPU" in capsys.readouterr().out


@pytest.mark.slow
def test_it_measures_every_layer_and_step():
    measured = measure(**SMOKE, device=torch.device("cpu"))
    card, *rest = tables(measured)
    assert card.rows[0][0] == "cpu"
    names = list(compared((3, 2, 4, 2, 2), torch.device("cpu")))
    assert [[row[0] for row in table.rows] for table in rest[:2]] == [names, names]
    steps = [
        "ReLU",
        "snnx LIF",
        "snnx LIF, packed spikes",
        "snnx LIF, packed spikes, blocks recomputed",
        "SpikingJelly LIF",
        "SpikingJelly's network and LIF",
    ]
    assert [[row[0] for row in table.rows] for table in rest[2:]] == [steps, steps]
    assert [case["dtype"] for case in measured["layers"]] == ["float32", "bfloat16"]
    assert all(value > 0 for case in measured["layers"] + measured["steps"] for s in case["seconds"].values() for value in s)


def test_the_share_of_the_copy_rate():
    """Five passes over 1,000 float32 values move 20,000 bytes. At 1 GB/s that takes 20 µs, half of the 40 µs measured here."""
    case = {"shape": [1000], "dtype": "float32", "values": 1000, "bytes": 4, "seconds": {"ReLU": [40e-6]}}
    measured = {"device": "card", "rounds": 1, "copied": 1e9, "layers": [case], "steps": []}
    assert tables(measured)[1].rows == (("ReLU", "40", "1.00", "50%"),)

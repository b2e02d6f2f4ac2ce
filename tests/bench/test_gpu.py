"""The benchmark of a GPU runs, here on a CPU, and says so where there is none."""

import pytest
import torch
from pretended_gpu import pretended_gpu
from torch import nn

from snnx.bench.gpu import FULL, SMOKE, measure, missing, tables
from snnx.bench.gpu_layers import compared, moved, neurons_of
from snnx.bench.twin import Twin
from snnx.command.bench import main
from snnx.neuron.kernel.cuda.works import trouble
from snnx.options.files import files


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(capsys):
    assert main(["gpu", "--smoke"]) == 0
    shown = capsys.readouterr().out
    assert "not measured: no GPU" in shown
    assert "small runs, 2 at once" in shown


def test_without_a_gpu_everything_that_needs_one_is_named():
    """The sizes are those of a real measurement."""
    named = missing(FULL["shapes"], FULL["networks"], FULL["small"])
    assert named[:2] == ["rate of copies", "neurons: " + ", ".join(name[5:] for name in neurons_of(4))]
    assert "CLIF, GLIF, IF, ILIF, KLIF, LIF, LIFCapped, LIFDelayed, LIFLearned, PLIF, PSN, STDB, TSSL, TTFS" in named[1]
    for dtype in ("float32", "bfloat16"):
        assert f"every neuron and other layers on [8, 32, 64, 16, 16] {dtype}" in named
        for network in ("ViT", "VGG-11", "ResNet-18", "ResNet-19", "Spikformer-4-384"):
            assert any(one.startswith(f"training step of {network}, 128 images, {dtype}") for one in named)
        small = f"training step of small convolutional network, 64 images, {dtype}; ReLU, compiled; snnx LIF, compiled; "
        assert any(one.startswith(small) for one in named)
    assert named[-1] == "a run in a sweep of 8 small runs, 8 at once"
    (table,) = tables({"device": None, "missing": named})
    assert table.rows == tuple((what, "not measured: no GPU") for what in named)


def test_every_shipped_neuron_is_measured():
    assert len(neurons_of(4)) == len(set(files("neuron")) - {"relu", "relu_quantised"}), "these two do not spike"
    names = list(compared((4, 2, 4, 2, 2), torch.device("cpu")))
    assert names[0] == "ReLU"
    assert set(neurons_of(4)) | {"a user's ALIF", "snnx LIF, definition", "norm, snnx LIF as one", "SpikingJelly LIF"} < set(
        names
    )


SHAPE = (16, 2, 4, 8, 8)


def test_the_bytes_that_a_layer_moves():
    """A kernel moves 5 values for each of the input. It writes each state before the ninth step, which backward reads."""
    counts = moved(SHAPE, torch.float32)
    values, step = 16 * 512, 512
    assert counts["ReLU"] == 20 * values
    assert counts["snnx LIF"] == 20 * values + 4 * 2 * step
    assert counts["snnx TSSL"] == 20 * values + 3 * 4 * 2 * step, "it has three states"
    assert counts["snnx LIF, definition"] > 10 * counts["snnx LIF"]
    assert counts["snnx GLIF"] > 10 * counts["snnx LIF"], "it has no kernel"
    assert counts["SpikingJelly LIF"] is None
    assert moved(SHAPE, torch.bfloat16)["snnx LIF"] == 10 * values + 4 * 2 * step


STEPS = [*SMOKE["networks"][0].twins]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Triton does not work")  # all neurons run on their definition there
@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is not pretended where there is one")
def test_a_pretended_gpu_is_measured():
    """Everything is on the card, besides what counts bytes, which are those that are counted without a card."""
    with pretended_gpu():
        measured = measure(**SMOKE | {"small": {"runs": 4, "at_once": ()}})
    trouble.cache_clear()
    assert measured["device"] == "a pretended card"
    assert measured["layers"][0]["moved"] == moved((3, 2, 4, 2, 2), torch.float32)
    assert all(set(case["moved"]) == set(case["seconds"]) for case in measured["layers"])
    check(measured)


def test_a_twin_that_needs_too_much_memory_is_named_and_the_others_are_measured():
    def too_large(network):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    network = SMOKE["networks"][0]
    twins = {"ReLU": network.twins["ReLU"], "huge": Twin(nn.ReLU, (too_large,)), "snnx LIF": network.twins["snnx LIF"]}
    measured = measure((), (network._replace(twins=twins),), 1, 1, {"runs": 1, "at_once": ()}, torch.device("cpu"))
    measured["small"]["seconds"] = [["cpu", 1, 1.0]]
    _, *steps, _ = tables(measured)
    for table in steps:
        assert [row[0] for row in table.rows] == ["ReLU", "snnx LIF", "huge"]
        assert table.rows[-1] == ("huge", "out of memory", "", "", "")


@pytest.mark.faults
def test_it_measures_the_kernels_of_a_cpu_too():
    measured = measure(**SMOKE | {"small": {"runs": 0, "at_once": ()}}, device=torch.device("cpu"))
    assert measured["device"] == "cpu"
    check(measured)


def check(measured):
    """Every layer and step has its times and its row. Sweeps of small runs are measured by `make test-faults` only."""
    measured["small"] = {"runs": 4, "seconds": [["cuda", 1, 40.0]]}
    card, *rest, _ = tables(measured)
    assert card.rows[0][0] == measured["device"]
    names = list(compared((3, 2, 4, 2, 2), torch.device("cpu")))
    assert [[row[0] for row in table.rows] for table in rest] == [names, names, STEPS, STEPS]
    assert [case["dtype"] for case in measured["layers"]] == ["float32", "bfloat16"]
    assert all(value > 0 for case in measured["layers"] + measured["steps"] for s in case["seconds"].values() for value in s)


def test_the_share_of_the_copy_rate():
    """At 1 GB/s, 20,000 bytes take 20 µs, half of the 40 µs measured here."""
    seconds = {"ReLU": [40e-6], "SpikingJelly LIF": [80e-6]}
    case = {"shape": [1000], "dtype": "float32", "least": 20_000, "seconds": seconds}
    case["moved"] = {"ReLU": 20_000, "SpikingJelly LIF": None}
    small = {"runs": 4, "seconds": [["cuda", 1, 40.0], ["cuda", 2, 24.0], ["cpu", 1, 60.0]]}
    measured = {"device": "card", "rounds": 1, "copied": 1e9, "layers": [case], "steps": [], "small": small}
    _, layers, runs = tables(measured)
    assert layers.rows == (("ReLU", "40", "1.00", "0.0", "50%"), ("SpikingJelly LIF", "80", "2.00", "≥ 0.0", "≥ 25%"))
    assert runs.rows == (("cuda", "1", "10.0", "1.00"), ("cuda", "2", "6.0", "0.60"), ("cpu", "1", "15.0", "1.50"))

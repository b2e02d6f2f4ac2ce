"""Metrics that are reduced batch by batch equal the same numbers computed from all values at once."""

import pytest
import torch
from torch import nn

from snnx.metric.firing_rate import FiringRate
from snnx.metric.negative_potential import NegativePotential
from snnx.metric.nonzero_input import NonzeroInput
from snnx.metric.recorder import Recorder
from snnx.metric.residual_potential import ResidualPotential
from snnx.metric.spiking_percent import SpikingPercent
from snnx.neuron.klif import KLIF
from snnx.neuron.lif import LIF

METRICS = [FiringRate(), SpikingPercent(), NegativePotential(), ResidualPotential(), NonzeroInput()]


def record(sizes, network, inputs, correct, metrics=METRICS):
    """Run the network on the inputs in batches of the given sizes."""
    with Recorder(network, metrics) as recorder:
        for x, right in zip(inputs.split(sizes, 1), correct.split(sizes), strict=True):
            for module in network:
                module.reset()
            recorder.see_input(x[0], x)
            network(x)
            recorder.end_batch(right)
    return recorder


@pytest.mark.parametrize("sizes", [[7], [3, 3, 1], [1] * 7], ids=str)
def test_batches_give_the_same_as_the_whole(sizes):
    torch.manual_seed(0)
    network = nn.Sequential(LIF(tau=2), LIF(tau=3, v_reset=None))
    inputs, correct = torch.randn(5, 7, 4, 2) * 2, torch.tensor([False, False, True, True, False, True, True])
    histories = {}
    for name, module in network.named_children():
        module.probe = lambda h, s, name=name: histories.__setitem__(name, (h, s))
    network(inputs)
    recorder = record(sizes, network, inputs, correct)
    curves = recorder.curves("test")
    for name, (h, s) in histories.items():
        expected = {
            "firing_rate": s.flatten(1).mean(1),
            "spiking_percent": 100 * s.flatten(1).mean(1),
            "negative_potential_percent": 100 * (h < 0).flatten(1).float().mean(1),
            "residual_potential_max": (h - 1).abs().flatten(1).amax(1),
            "residual_potential_mean": (h - 1).abs().flatten(1).mean(1),
        }
        for curve, values in expected.items():
            torch.testing.assert_close(curves[curve][name].float(), values, atol=1e-5, rtol=1e-5)
            for kind, column in (("wrong", 0), ("correct", 2)):
                h1, s1 = h[:, column : column + 1], s[:, column : column + 1]
                one = {
                    "firing_rate": s1.flatten(1).mean(1),
                    "spiking_percent": 100 * s1.flatten(1).mean(1),
                    "negative_potential_percent": 100 * (h1 < 0).flatten(1).float().mean(1),
                    "residual_potential_max": (h1 - 1).abs().flatten(1).amax(1),
                    "residual_potential_mean": (h1 - 1).abs().flatten(1).mean(1),
                }[curve]
                torch.testing.assert_close(recorder.curves(kind)[curve][name].float(), one, atol=1e-5, rtol=1e-5)
    assert recorder.samples == {"correct": 2, "wrong": 0}
    nonzero = 100 * (inputs != 0).flatten(1).float().mean(1)
    torch.testing.assert_close(curves["nonzero_input_percent"]["input"].float(), nonzero)


def test_the_number_of_a_network_weights_layers_by_neurons():
    """A layer of 8 neurons always fires and one of 2 never: the rate is 0.8, not the mean 0.5 of the layers."""
    network = nn.Sequential(LIF(v_threshold=0.1), LIF(v_threshold=1e6))
    with Recorder(network, [FiringRate()]) as recorder:
        network[0](torch.ones(3, 1, 8))
        network[1](torch.ones(3, 1, 2))
        recorder.end_batch(torch.tensor([True]))
    assert recorder.scalars()["test/firing_rate"] == pytest.approx(0.8)


def test_klif_has_no_negative_potential():
    network = nn.Sequential(KLIF())
    recorder = record([4], network, torch.randn(6, 4, 10), torch.ones(4, dtype=torch.bool), [NegativePotential()])
    assert recorder.scalars()["test/negative_potential_percent"] == 0.0
    assert "wrong/negative_potential_percent" not in recorder.scalars()


def test_the_signed_residual_is_negative_below_the_threshold():
    h = torch.tensor([[[0.25, -1.0]]])
    assert ResidualPotential(signed=True).measure(h, h, LIF())["residual_potential_max"].item() == -0.75
    assert ResidualPotential().measure(h, h, LIF())["residual_potential_max"].item() == 2.0


def test_negative_potential_after_the_reset():
    """For h = (-1, 1.5), a soft reset gives (-1, 0.5), and a reset to -0.5 gives (-1, -0.5)."""
    h, s = torch.tensor([[[-1.0, 1.5]]]), torch.tensor([[[0.0, 1.0]]])
    after = NegativePotential(on="V")
    assert after.measure(h, s, LIF(v_reset=None))["negative_potential_percent"].item() == 50.0
    assert after.measure(h, s, LIF(v_reset=-0.5))["negative_potential_percent"].item() == 100.0
    assert NegativePotential().measure(h, s, LIF(v_reset=-0.5))["negative_potential_percent"].item() == 50.0
    with pytest.raises(ValueError, match=r"NegativePotential: on must be H .* or V .*; got X"):
        NegativePotential(on="X")


def test_rises_and_dips():
    """Layer means 1, 2, 5 have a rise of 3, and residuals 4, 4, 1 have a dip of 3."""
    spikes = {name: torch.full((2,), value) for name, value in zip("abc", (1.0, 2.0, 5.0), strict=True)}
    residuals = {name: torch.full((2,), value) for name, value in zip("abc", (4.0, 4.0, 1.0), strict=True)}
    assert SpikingPercent().extra("spiking_percent", spikes) == {"rise": 3.0}
    assert ResidualPotential().extra("residual_potential_max", residuals) == {"dip": 3.0}


def test_recording_ends_with_the_context():
    network = nn.Sequential(LIF())
    with Recorder(network, METRICS):
        assert network[0].probe is not None
    assert network[0].probe is None


def test_a_pattern_that_matches_no_layer_is_rejected():
    with pytest.raises(ValueError, match=r"Recorder: layers must match one of 0; got encoder\.\*"):
        Recorder(nn.Sequential(LIF()), METRICS, "encoder.*")

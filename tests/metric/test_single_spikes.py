"""Spike times, spikes per neuron and inactive neurons of networks that fire once."""

import pytest
import torch
from composing import composed

from snnx.metric.recorder import Recorder
from snnx.metric.single_spike import SingleSpike
from snnx.metric.spike_raster import SpikeRaster
from snnx.metric.spikes_per_neuron import SpikesPerNeuron
from snnx.neuron.if_ import IF
from snnx.neuron.ttfs import TTFS
from snnx.run.build import build_method

CNN = ["method=ttfs", "backbone=scnn", "backbone.bias=false", "backbone.pool=max", "init=kaiming"]


class Facts:
    shape, classes = (1, 28, 28), 10


def raster(*overrides):
    """The recorder of a network that was trained on ten batches until it knows them."""
    torch.manual_seed(0)
    run = composed(*CNN, *overrides)
    method = build_method({**run.config, "budget": {"width": 0.5}}, Facts())
    images, labels = torch.rand(8, 1, 28, 28), torch.arange(8)
    optimizer, losses = torch.optim.Adam(method.parameters(), lr=1e-3), []
    for _ in range(10):
        optimizer.zero_grad()
        losses.append(method.loss(method(images), labels))
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < 0.7 * losses[0]
    method.eval()
    with torch.no_grad(), Recorder(method.backbone, [SpikeRaster(neurons=100), SingleSpike()]) as method.recorder:
        method(torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0)))
        method.recorder.end_batch(torch.ones(4, dtype=torch.bool))
    return method.recorder


@pytest.mark.parametrize(("source", "first"), [("time", 1), ("direct", 0)])
def test_with_the_dynamic_threshold_layers_fire_in_their_windows(source, first):
    recorder = raster(f"method.input={source}")
    times = recorder.curves("correct")["spike_raster"]
    assert len(times) == 4
    for window, spikes in enumerate(times.values(), first):
        fired = spikes[~spikes.isnan()]
        assert len(spikes) in (64, 100)
        assert 0 < len(fired) < len(spikes)
        assert window <= fired.min() <= fired.max() <= window + 1
    assert "spike_raster" not in recorder.curves("test")
    assert not any("raster" in name for name in recorder.scalars())


def test_with_a_constant_threshold_the_times_of_layers_overlap():
    times = list(raster("method.threshold=constant").curves("correct")["spike_raster"].values())
    first, second = (spikes[~spikes.isnan()] for spikes in times[:2])
    assert second.min() < first.max()


def test_a_neuron_of_the_ann_is_inactive_if_its_activation_is_0():
    torch.manual_seed(0)
    run = composed(*CNN, "method.threshold=none")
    method = build_method({**run.config, "budget": {"width": 0.5}}, Facts())
    seen = {}
    method.backbone.features.sn1.register_forward_hook(lambda module, x, y: seen.update(share=(y == 0).float().mean()))
    with Recorder(method.backbone, [SpikesPerNeuron()]) as method.recorder:
        method.recorder.labels = torch.zeros(4, dtype=torch.long)
        scores = method(torch.rand(4, 1, 28, 28))
        method.recorder.end_batch(torch.ones(4, dtype=torch.bool))
    assert scores.shape == (4, 10)
    inactive = method.recorder.curves("test")["inactive_percent"]["features.sn1"]
    assert inactive.item() == pytest.approx(100 * seen["share"].item(), rel=1e-5)
    assert 5 < inactive.item() < 95


def test_a_neuron_that_fires_twice_fails_the_run():
    x = torch.full((4, 1, 3), 1.2)
    with Recorder(torch.nn.Sequential(TTFS()), [SingleSpike()]) as recorder:
        recorder.network(x)
    with (
        Recorder(torch.nn.Sequential(IF()), [SingleSpike()]) as recorder,
        pytest.raises(ValueError, match="a neuron must fire at most once per sample; got 4 spikes of one IF; choose neuron="),
    ):
        recorder.network(x)


def test_wrong_arguments_are_rejected():
    with pytest.raises(ValueError, match="neurons must be at least 1; got 0"):
        SpikeRaster(neurons=0)

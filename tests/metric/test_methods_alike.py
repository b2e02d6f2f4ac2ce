"""Methods can be compared: metrics agree for networks without spikes, in pieces, and between anytime and energy."""

import pytest
import torch
from composing import composed

from snnx.metric.recorder import Recorder
from snnx.run.build import build_method

METRICS = "metric=[firing_rate,spikes_per_neuron,energy,anytime]"
DECISIONS = "metric=[anytime,decision]"


class Facts:
    shape, classes = (1, 12, 12), 10


def measured(*overrides):
    torch.manual_seed(0)
    words = ["backbone=scnn", "backbone.channels=[4]", "backbone.hidden=[8]", "backbone.bias=false", METRICS, *overrides]
    method = build_method(composed(*words).config, Facts()).eval()
    images, labels = torch.rand(6, 1, 12, 12), torch.arange(6)
    if "method=conversion" in words:
        method.convert(lambda: [images])
    with torch.no_grad(), Recorder(method.tested, list(method.metrics.values())) as method.recorder:
        method.recorder.labels = labels
        method.recorder.end_batch(method(images).argmax(1) == labels)
    return method.recorder.scalars()


def test_a_relu_network_multiplies_and_has_no_spikes():
    found = measured("neuron=relu", "timesteps=1")
    macs = 4 * 8 * 8 * 25 + 4 * 4 * 4 * 8 + 8 * 10
    assert found["test/energy_macs"] == macs
    assert found["test/energy_45nm_uj"] == found["test/anytime_energy_uj"] == pytest.approx(4.6 * macs / 1e6)
    assert found["test/anytime_acc"] == found["test/anytime_acc_at_1"]
    absent = ("firing_rate", "spikes", "inactive", "synops", "truenorth", "spinnaker")
    assert [key for key in found if any(word in key for word in absent)] == []


@pytest.mark.parametrize("overrides", [["neuron=lif", "neuron.v_threshold=0.1"], ["method=conversion", "timesteps=25"]])
def test_anytime_and_energy_agree_for_means_of_spikes(overrides):
    found = measured(*overrides)
    assert found["test/energy_synops"] > 0
    assert found["test/anytime_synops"] == pytest.approx(found["test/energy_synops"])
    assert found["test/anytime_energy_uj"] == pytest.approx(found["test/energy_45nm_uj"])


def test_anytime_and_energy_agree_for_attention():
    torch.manual_seed(0)
    words = ["backbone=spikformer", "backbone.embed_dim=16", "backbone.heads=2", "backbone.depth=2", "backbone.init_std=null"]
    method = build_method(composed(*words, "neuron.v_threshold=0.1", "timesteps=3", METRICS).config, Facts()).eval()
    with torch.no_grad(), Recorder(method.backbone, list(method.metrics.values())) as method.recorder:
        method.recorder.labels = torch.arange(6)
        method.recorder.end_batch(method(torch.rand(6, 1, 12, 12)).argmax(1) > 0)
    found, layers = method.recorder.scalars(), method.recorder.curves("test")["energy_synops"]
    assert sum(float(layers[f"encoder.{block}.attention"].sum()) for block in range(2)) > 0
    assert found["test/anytime_synops"] == pytest.approx(found["test/energy_synops"])
    assert found["test/anytime_energy_uj"] == pytest.approx(found["test/energy_45nm_uj"])


def test_pieces_give_the_same_curves():
    whole, pieces = (
        measured("method=conversion", "timesteps=25", "init=kaiming", f"method.piece={piece}") for piece in (25, 4)
    )
    assert 0 < whole["test/inactive_percent"] < 100
    assert pieces == pytest.approx(whole)


def test_metrics_do_not_change_the_scores_of_a_run_in_pieces():
    """A decoding with a state must not be given the same outputs twice."""
    torch.manual_seed(0)
    words = ["method=conversion", "timesteps=25", "init=kaiming", "backbone=scnn", "backbone.channels=[4]", METRICS]
    method = build_method(composed(*words).config, Facts()).eval()
    images = torch.rand(6, 1, 12, 12)
    method.convert(lambda: [images])
    with torch.no_grad():
        alone = method(images)
        with Recorder(method.tested, list(method.metrics.values())) as method.recorder:
            method.recorder.labels = torch.arange(6)
            watched = method(images)
    assert alone.abs().max() > 0
    torch.testing.assert_close(watched, alone)


def test_latency_equals_that_of_decision():
    torch.manual_seed(0)
    found = measured("neuron=lif", "neuron.v_threshold=0.1", "timesteps=6", "encoding=rate", "init=kaiming", DECISIONS)
    assert 1 < found["test/decided_latency"] < 6
    assert found["test/anytime_since_steps"] == pytest.approx(found["test/decided_latency"])


OF_STEPS = ["anytime", "decision", "firing_rate_by_iteration", "negative_potential", "potential", "residual_potential"]


@pytest.mark.parametrize("metric", [*OF_STEPS, "weight_gradient"])
def test_networks_of_spike_times_are_rejected(metric):
    words = ["method=ttfs", "backbone.pool=max", f"metric=[{metric}]"]
    with pytest.raises(ValueError, match="method must have time steps; got a network of spike times; choose"):
        measured(*words)


def test_the_latency_of_spike_times_counts_all_windows_whatever_is_watched():
    """Two neuron layers and the read-out have a window each, and the pixels have one if they fire at times."""
    words = ["method=ttfs", "backbone.pool=max", "metric=[relative_energy]"]
    for more, windows in ([], 4), (["method.input=direct"], 3), (["method.threshold=constant"], 4):
        assert measured(*words, *more)["test/latency_steps"] == 10 * windows
    assert measured(*words, "method.steps=40")["test/latency_steps"] == 40
    found = measured(*words, "method.readout=spike_time", "metric=[relative_energy,spikes_per_neuron]")
    assert found["test/spikes_in_total"] == pytest.approx(found["test/spikes_per_neuron"] * (4 * 8 * 8 + 8 + 10), rel=1e-6)


CONVERTED = ["method=conversion", "init=kaiming", "metric=[relative_energy,anytime,spikes_per_neuron]"]
CONVERTED += ["metric.anytime.every=1", "backbone.bias=true"]


@pytest.mark.parametrize("code", ["rate", "phase", "burst"])
def test_a_code_of_steps_has_settled_when_its_accuracy_no_longer_changes(code):
    """Latency and spikes are those of `anytime`, read at the first step from which its accuracy stays within 0.5 points."""
    words = [*CONVERTED, f"method.code={code}"]
    steps = 60
    found = measured(*words, f"timesteps={steps}", "metric.anytime.marks=[60]")
    settled = int(found["test/latency_steps"])
    marks = ",".join(str(step) for step in range(1, steps + 1))
    curves = measured(*words, f"timesteps={steps}", f"metric.anytime.marks=[{marks}]")
    accuracy = [curves[f"test/anytime_acc_at_{step}"] for step in range(1, steps + 1)]
    assert all(abs(value - accuracy[-1]) <= 0.005 for value in accuracy[settled - 1 :])
    assert settled == 1 or abs(accuracy[settled - 2] - accuracy[-1]) > 0.005
    assert found["test/spikes_in_total"] == pytest.approx(curves[f"test/anytime_spikes_at_{settled}"] + 10)


def test_a_code_of_windows_takes_all_its_steps():
    words = [*CONVERTED, "method.code=t2fsnn", "method.start=10", "method.duration=20", "timesteps=40"]
    found = measured(*words)
    assert found["test/latency_steps"] == 40
    assert found["test/spikes_in_total"] == pytest.approx(found["test/anytime_spikes"] + 10)
    assert found["test/spikes_per_neuron"] <= 1


def test_networks_with_steps_have_a_latency_and_those_without_spikes_have_none():
    found = measured("neuron=lif", "neuron.v_threshold=0.1", "timesteps=4", "metric=[relative_energy]")
    assert 1 <= found["test/latency_steps"] <= 4
    assert "test/energy_truenorth" not in found
    assert measured("neuron=relu", "timesteps=1", "metric=[relative_energy]") == {}

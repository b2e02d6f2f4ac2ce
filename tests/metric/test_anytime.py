"""Accuracy and cost after every step equal the same counted by hand."""

import pytest
import torch
from composing import composed
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnx.backbone.resnet import ResNet
from snnx.decoding.mean_logits import MeanLogits
from snnx.energy.fan_out import fan_out
from snnx.metric.anytime import AnyTime
from snnx.metric.by_step import scores_by_step
from snnx.metric.conversion_error import ConversionError
from snnx.metric.decision import Decision
from snnx.metric.recorder import Recorder
from snnx.neuron.if_ import IF
from snnx.neuron.lif import LIF
from snnx.run.build import build_method
from snnx.sweep.plan.synops import synops


@settings(deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 2), st.integers(0, 2), st.integers(1, 2), st.sampled_from([1, 2]), st.integers(0, 1000)
)  # fmt: skip
def test_fan_out_equals_a_count_step_by_step(kernel, stride, padding, dilation, groups, seed):
    torch.manual_seed(seed)
    layer = nn.Conv2d(4, 6, kernel, stride, padding, dilation, groups)
    x = (torch.rand(3, 2, 4, 7, 6) < 0.3).float()
    found = fan_out(layer, x)
    assert found.tolist() == [[synops(layer, x[t, b][None]) for b in range(2)] for t in range(3)]


def record(method, images, labels):
    with Recorder(method.backbone, list(method.metrics.values())) as method.recorder, torch.no_grad():
        method.recorder.labels = labels
        method.recorder.end_batch(method(images).argmax(1) == labels)
    return method.recorder


def test_curves_of_a_direct_network():
    """Accuracies equal those of Decision; spikes and products are counted here with other hooks."""

    class Facts:
        shape, classes = (3, 16, 16), 10

    torch.manual_seed(0)
    overrides = ["backbone=resnet", "neuron=lif", "timesteps=6", "metric=[anytime,decision]", "metric.anytime.confidence=0.3"]
    method = build_method({**composed(*overrides).config, "budget": {"width": 0.1}}, Facts()).eval()
    counted = {"spikes": 0.0, "synops": 0, "macs": 0}
    layers = [m for m in method.backbone.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for layer in layers[1:]:
        layer.register_forward_hook(
            lambda m, x, y: counted.update(
                synops=counted["synops"] + synops(m, x[0].flatten(0, -4) if isinstance(m, nn.Conv2d) else x[0])
            )
        )
    for module in method.backbone.modules():
        if isinstance(module, LIF):
            module.register_forward_hook(lambda m, x, y: counted.update(spikes=counted["spikes"] + y.sum().item()))
    images, labels = torch.rand(5, 3, 16, 16) * 3, torch.arange(5)
    recorder = record(method, images, labels)
    curves, seen = recorder.curves("test"), recorder.scalars()
    torch.testing.assert_close(curves["anytime_acc"]["all"], curves["early_acc"]["output"])
    assert curves["anytime_step"]["all"].tolist() == [1, 2, 3, 4, 5, 6]
    macs = synops(layers[0], torch.ones(1, 3, 16, 16))  # once, since the image is the same at every step
    assert seen["test/anytime_spikes"] == pytest.approx(counted["spikes"] / 5)
    assert seen["test/anytime_synops"] == pytest.approx(counted["synops"] / 5)
    assert seen["test/anytime_energy_uj"] == pytest.approx((0.9 * counted["synops"] / 5 + 4.6 * macs) / 1e6)
    assert seen["test/anytime_acc_at_5"] == curves["anytime_acc"]["all"][4].item()


def test_early_exit_by_hand():
    """Sample 0 is confident and correct at step 2, and wrong later; sample 1 is never confident."""
    metric, labels = AnyTime(confidence=0.8, marks=[1, 4]), torch.tensor([0, 1])
    logits = torch.tensor([[[0.1, 0], [0.1, 0]], [[5, 0], [0, 0.1]], [[-9, 9], [0, 0.2]], [[-9, 9], [0, 0.2]]])
    metric.measure_input(torch.zeros(2, 1), torch.zeros(4, 2, 1))
    seen = metric.measure_output(logits, MeanLogits(), labels)
    assert scores_by_step(logits, MeanLogits())[1, 0].tolist() == pytest.approx([2.55, 0.0])
    table = {curve: {"output": places["output"].mean(1)} for curve, places in seen.items()}
    found = metric.finish(table)
    assert found["anytime_acc"]["all"].tolist() == [0.5, 0.5, 0.5, 0.5]
    assert found["anytime_exit_acc"]["all"].tolist() == [0.5, 0.5, 1.0, 1.0]
    assert metric.extra("anytime_running", {}) == {"latency_steps": 3.0}  # the mean of 2 and 4


def test_the_extra_numbers_of_the_curves():
    metric = AnyTime(every=2, marks=[1, 3, 99])
    ones = torch.ones(5)
    curve = torch.tensor([0.1, 0.8, 0.2, 0.9, 0.95])
    table = {"anytime_acc": curve} | {f"anytime_{name}": ones for name in ("exit_acc", "running", "since_steps", "spikes")}
    found = metric.finish({name: {"output": values} for name, values in table.items()})
    assert found["anytime_step"]["all"].tolist() == [2, 4, 5]
    assert found["anytime_spikes"]["all"].tolist() == [2, 4, 5]
    numbers = metric.extra("anytime_acc", found["anytime_acc"])
    assert numbers == pytest.approx({"at_1": 0.1, "at_3": 0.2, "drop": 0.0, "settle_steps": 4.0})
    late = {"anytime_acc": torch.tensor([0.1, 0.1, 0.1, 0.1, 0.9])}
    found = metric.finish({name: {"output": values} for name, values in (table | late).items()})
    assert metric.extra("anytime_acc", found["anytime_acc"])["settle_steps"] == 5.0


def test_the_recorder_stops_watching_the_previous_network():
    nets = [ResNet(neuron=IF, in_shape=(3, 8, 8), classes=2, width=0.02) for _ in range(2)]
    with Recorder(nets[0], [AnyTime()]) as recorder:
        recorder.watch(nets[1])
        hooked = [sum(len(m._forward_pre_hooks) for m in net.modules()) for net in nets]
        assert hooked[0] == 0
        assert hooked[1] > 0
        assert nets[0].sn1.probe is None
        assert nets[1].sn1.probe is not None
    assert sum(len(m._forward_pre_hooks) for m in nets[1].modules()) == 0


def test_decision_does_not_work_in_pieces():
    assert AnyTime.in_pieces
    assert not Decision.in_pieces


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: AnyTime(confidence=0), r"AnyTime: confidence must be in \(0, 1\]; got 0"),
        (lambda: AnyTime(every=0), "AnyTime: every must be at least 1; got 0"),
        (lambda: AnyTime(marks=[5, 2]), r"AnyTime: marks must be ascending steps from 1 on; got \[5, 2\]"),
        (lambda: ConversionError(marks=[]), r"ConversionError: marks must be ascending steps from 1 on; got \[\]"),
        (
            lambda: ConversionError().measure(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1), IF()),
            "ConversionError: neurons must have target rates; got none; use method=conversion",
        ),
    ],
)
def test_bad_values(build, message):
    with pytest.raises(ValueError, match=message):
        build()

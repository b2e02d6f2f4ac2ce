"""The exit of DT-SNN equals its authors' rule, and its thresholds are measured in one pass."""

from math import log

import pytest
import torch
from composing import composed
from hypothesis import given
from hypothesis import strategies as st
from pipelines import built
from torch import nn

from snnx.metric.early_exit import EarlyExit
from snnx.metric.recorder import Recorder
from snnx.neuron.if_ import IF
from snnx.spike_time.dynamic_threshold import DynamicThreshold
from snnx.testing.random_images import SHAPE

THRESHOLDS = [0.05, 0.3, 0.6, 0.95]


def as_published(outputs, labels, by, threshold):
    """For each sample: the step at which it exits, and whether its answer there is right."""
    steps, right = [], []
    for b, label in enumerate(labels):
        total = torch.zeros(outputs.shape[2], dtype=torch.float64)
        for t in range(len(outputs)):
            total = total + outputs[t, b]
            p = total.softmax(0)
            sure = 1 - float(-(p * p.log()).sum() / log(len(p))) if by == "entropy" else float(p.max())
            if sure > threshold:
                break
        steps.append(t + 1)
        right.append(bool(total.argmax() == label))
    return torch.tensor(steps).double(), torch.tensor(right)


def recorded(metric, outputs, labels, cuts):
    with Recorder(nn.Sequential(IF()), [metric]) as recorder:
        recorder.labels = labels
        recorder.see_input(outputs[0], outputs)
        for start, end in zip([0, *cuts], [*cuts, len(outputs)], strict=True):
            if start:
                recorder.next_piece()
            recorder.see_output(outputs[start:end], nn.Identity())
        bits = metric.correct()
        recorder.end_batch(outputs.sum(0).argmax(1) == labels)
    return recorder, bits


@pytest.mark.parametrize("by", ["entropy", "confidence"])
@given(seed=st.integers(0, 1000), cuts=st.sampled_from([[], [1], [2, 5]]))
def test_equals_the_rule_of_the_authors(by, seed, cuts):
    torch.manual_seed(seed)
    outputs, labels = torch.randn(6, 9, 4, dtype=torch.float64), torch.randint(4, (9,))
    recorder, bits = recorded(EarlyExit(by=by, thresholds=THRESHOLDS), outputs, labels, cuts)
    found, curves = recorder.scalars(), recorder.curves("test")
    for threshold in THRESHOLDS:
        steps, right = as_published(outputs, labels, by, threshold)
        assert torch.equal(bits[f"early_exit_acc_at_{threshold}"], right)
        assert found[f"test/early_exit_acc_at_{threshold}"] == pytest.approx(float(right.double().mean()))
        assert found[f"test/early_exit_steps_at_{threshold}"] == pytest.approx(float(steps.mean()))
        histogram = torch.stack([(steps == t).double().mean() for t in range(1, 7)])
        torch.testing.assert_close(curves["early_exit_share"][f"{threshold:g}"], histogram)


def test_a_score_of_minus_infinity_counts_as_certain_that_it_is_not_this_class():
    outputs = torch.tensor([[[0.0, 0.0, -1e30]]])
    recorder, _ = recorded(EarlyExit(thresholds=[0.3, 0.4]), outputs, torch.tensor([0]), [])
    assert recorder.scalars()["test/early_exit_steps"] == 1  # entropy log 2 / log 3, so the certainty is 0.369


def test_without_an_exit_the_accuracy_is_that_of_all_steps():
    torch.manual_seed(0)
    method = built(("timesteps=4", "neuron.v_threshold=0.1"), metric={"exit": EarlyExit(thresholds=[0.999999])})
    images, labels = torch.rand(8, *SHAPE), torch.arange(8) % 3
    with Recorder(method.backbone, list(method.metrics.values())) as method.recorder, torch.no_grad():
        method.recorder.labels = labels
        right = method(images).argmax(1) == labels
        assert torch.equal(method.metrics["exit"].correct()["early_exit_acc_at_0.999999"], right)
        method.recorder.end_batch(right)
    assert method.recorder.scalars()["test/early_exit_steps"] == 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"by": "margin"}, "EarlyExit: by must be entropy or confidence; got margin"),
        ({"thresholds": []}, r"EarlyExit: thresholds must be ascending .* at least one; got \[\]"),
        ({"thresholds": [0.9, 0.5]}, r"EarlyExit: thresholds must be ascending .* got \[0.9, 0.5\]"),
        ({"thresholds": [0.5, 1.0]}, r"EarlyExit: thresholds must be ascending numbers in \[0, 1\), .* got \[0.5, 1.0\]"),
    ],
)
def test_bad_values(given, message):
    with pytest.raises(ValueError, match=message):
        EarlyExit(**given)


def test_a_network_of_spike_times_is_rejected():
    with pytest.raises(ValueError, match="EarlyExit: method must have time steps"):
        Recorder(nn.Sequential(DynamicThreshold()), [EarlyExit()])


def test_the_option_is_the_authors_default():
    assert composed("metric=[early_exit]").config["metric"]["early_exit"]["by"] == "entropy"

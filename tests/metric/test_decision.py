"""Early decision: the answer after each step, for every decoding."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snnx.decoding.last_step import LastStep
from snnx.decoding.mean_logits import MeanLogits
from snnx.decoding.temporal_linear import TemporalLinear
from snnx.decoding.temporal_weighted import TemporalWeighted
from snnx.decoding.weighted_spikes import WeightedSpikes
from snnx.metric.anytime import AnyTime
from snnx.metric.decision import Decision
from snnx.neuron.ttfs import TTFS

DECODINGS = [
    MeanLogits(), LastStep(), TemporalWeighted(gamma=2), TemporalLinear(timesteps=6), WeightedSpikes(neuron=TTFS).eval(),
]  # fmt: skip


@pytest.mark.parametrize("decoding", DECODINGS, ids=lambda decoding: type(decoding).__name__)
def test_the_last_answer_is_that_of_the_scores(decoding):
    torch.manual_seed(0)
    outputs, labels = torch.randn(6, 50, 4), torch.randint(4, (50,))
    seen = Decision().measure_output(outputs, decoding, labels)
    early, decided = seen["early_acc"]["output"], seen["decided"]["output"]
    assert torch.equal(early[-1], (decoding(outputs).argmax(1) == labels).float())
    assert decided[-1].all()
    assert (decided.diff(dim=0) >= 0).all(), "what is final stays so"
    latency = Decision().extra("decided", {"output": decided.mean(1)})["latency"]
    first = decided.argmax(0) + 1.0
    assert latency == pytest.approx(first.mean().item(), abs=1e-5)
    assert 1 < latency < 6


@given(st.integers(1, 6), st.integers(2, 4), st.integers(0, 10_000))
def test_a_tie_is_no_answer_and_the_order_of_classes_does_not_matter(steps, classes, seed):
    """Compared with a search from the last step backwards; scores are small integers, so that ties are frequent."""
    draw = torch.Generator().manual_seed(seed)
    outputs = torch.randint(0, 2, (steps, 8, classes), generator=draw).float()
    labels = torch.zeros(8, dtype=torch.long)
    said = []
    for scores in outputs.cumsum(0).tolist():
        said.append([row.index(max(row)) if row.count(max(row)) == 1 else None for row in scores])
    expected = []
    for sample in range(8):
        t = steps
        while t > 1 and said[-1][sample] is not None and said[t - 2][sample] == said[-1][sample]:
            t -= 1
        expected.append(t)
    for order in (torch.arange(classes), torch.randperm(classes, generator=draw)):
        seen = Decision().measure_output(outputs[..., order], MeanLogits(), labels)
        assert (1 + steps - seen["decided"]["output"].sum(0)).tolist() == expected
        metric = AnyTime()
        metric.measure_input(torch.zeros(8, 1), torch.zeros(steps, 8, 1))
        since = metric.measure_output(outputs[..., order], MeanLogits(), labels)["anytime_since_steps"]["output"]
        assert since[-1].tolist() == expected


def test_larger_weights_of_early_steps_decide_earlier():
    torch.manual_seed(0)
    outputs, labels = torch.randn(8, 400, 10), torch.zeros(400, dtype=torch.long)
    latency = [
        Decision().extra("decided", {"o": Decision().measure_output(outputs, decoding, labels)["decided"]["output"].mean(1)})
        for decoding in (TemporalWeighted(gamma=4), TemporalWeighted(gamma=2), TemporalWeighted(gamma=1))
    ]
    assert latency[0]["latency"] < latency[1]["latency"] < latency[2]["latency"]


def test_accuracy_after_half_of_the_steps():
    assert Decision().extra("early_acc", {"output": torch.tensor([0.1, 0.2, 0.3, 0.4])})["half"] == pytest.approx(0.2)

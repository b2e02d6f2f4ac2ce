"""A metric that a sweep file names and a run has not measured is named as soon as the run has finished."""

import pytest
from command_lines import snnx

from snnx.sweep.unmeasured import Unmeasured

FILE = (
    "# Neurons.\n#   snnx -m sweep=mine\nneuron: {{v_threshold: 0.3}}\n"
    "sweep: {{paper: own, artifact: Neurons, metric: {metric}, claims: [{{metric: {claimed}, claim: A > B}}]}}\n"
    "rows: {{A: {{set: [neuron=if]}}, B: {{set: [neuron=lif]}}, C: {{set: [neuron=plif]}}}}\n"
)
DONE = {"status": "done", "metrics": {"test/acc": 0.5, "test/firing_rate": 0.1}, "curves": {"val/acc": [0.5]}}


@pytest.fixture
def unmeasured(tmp_path, monkeypatch):
    """A function that makes an `Unmeasured` for a sweep file with these metrics."""

    def made(metric="test/acc", claimed="test/firing_rate"):
        (tmp_path / "sweeps").mkdir()
        (tmp_path / "sweeps" / "mine.yaml").write_text(FILE.format(metric=metric, claimed=claimed))
        monkeypatch.chdir(tmp_path)
        return Unmeasured("mine")

    return made


def test_each_is_named_once_with_the_nearest_name(unmeasured):
    found = unmeasured(claimed="test/fireing_rate")
    assert found.warnings("C", DONE) == [], "no claim compares this row"
    assert found.warnings("A", DONE) == [
        "the sweep file names test/fireing_rate, which A has not measured; did you mean test/firing_rate?"
    ]
    assert found.warnings("B", DONE) == []


def test_the_metric_of_the_sweep_concerns_every_row(unmeasured):
    assert unmeasured(metric="test/auc").warnings("C", DONE) == [
        "the sweep file names test/auc, which C has not measured; did you mean test/acc?"
    ]


def test_measured_metrics_and_runs_without_a_result_or_without_training_are_no_reason(unmeasured):
    found = unmeasured(claimed="val/acc")
    assert found.warnings("A", {**DONE, "status": "failed"}) == []
    assert found.warnings("A", {**DONE, "curves": {}}) == []
    assert Unmeasured(None).warnings("A", DONE) == []


@pytest.mark.slow
def test_a_sweep_prints_it(unmeasured, tmp_path):
    unmeasured(claimed="test/fireing_rate")
    ended = snnx(tmp_path, "-m", "sweep=mine", "scale=smoke", "seed=0")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("! the sweep file names test/fireing_rate, which A has not measured; did you mean") == 1

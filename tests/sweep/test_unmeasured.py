"""A metric that a sweep file names and a run has not measured is named as soon as the run has finished."""

from dataclasses import replace

import pytest
from command_lines import snnx
from composing import composed

from snnx.sweep.short_test import measured_names
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


def test_a_short_test_of_the_untrained_network_names_them_before_the_first_run(unmeasured):
    names = ["test/acc", "test/loss", "test/firing_rate"]
    found = unmeasured(metric="test/accuracy", claimed="val/accuracy")
    assert found.needs_test("C")
    assert found.planned("A", names) == [
        "the sweep file names test/accuracy, which a short test of A has not measured; did you mean test/acc?",
        "the sweep file names val/accuracy, which a short test of A has not measured; did you mean val/acc?",
    ]
    assert found.planned("B", names) == []


@pytest.mark.parametrize(
    "claimed",
    [
        "test/firing_rate",
        "test/firing_rate_last_over_first",
        "test/acc_best",
        "val/acc",
        "val/own",
        "train/weight_gradient_small",
    ],
)
def test_a_metric_that_a_trained_run_can_have_is_no_reason(unmeasured, claimed):
    assert unmeasured(claimed=claimed).planned("A", ["test/acc", "test/firing_rate"]) == []


def test_accuracies_need_no_test_before_the_run(unmeasured):
    assert not unmeasured(metric="test/acc", claimed="val/acc").needs_test("A")


def test_an_energy_that_the_report_computes_needs_the_numbers_of_the_run(unmeasured):
    measured = {**DONE, "metrics": {**DONE["metrics"], "test/latency_steps": 4.0, "test/spikes_in_total": 9.0}}
    assert unmeasured(claimed="test/relative_truenorth").warnings("A", measured) == []


def test_the_short_test_measures_what_a_whole_test_does(tmp_path):
    job = replace(composed("timesteps=2", "trainer.accelerator=cpu", "metric=[firing_rate,energy]"), outputs=str(tmp_path))
    names = measured_names(job)
    assert {"test/acc", "test/firing_rate", "test/energy_45nm_uj"} <= set(names)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_plan_prints_it(unmeasured, tmp_path):
    unmeasured(metric="test/accuracy", claimed="test/firing_rate")
    ended = snnx(tmp_path, "plan", "-m", "sweep=mine", "scale=smoke", "seed=0", "row=A,B")
    assert ended.returncode == 0, ended.stderr
    assert [line for line in ended.stdout.splitlines() if line.startswith("!")] == [
        "! the sweep file names test/accuracy, which a short test of A has not measured; did you mean test/acc?"
    ]


@pytest.mark.slow
def test_a_sweep_prints_it(unmeasured, tmp_path):
    unmeasured(claimed="test/fireing_rate")
    ended = snnx(tmp_path, "-m", "sweep=mine", "scale=smoke", "seed=0")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("! the sweep file names test/fireing_rate, which A has not measured; did you mean") == 1

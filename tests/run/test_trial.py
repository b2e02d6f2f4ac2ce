"""A trial of a search never reads the test set, and is another result than that of an ordinary run of the same name."""

from dataclasses import replace

import pytest
from composing import composed

from snnx.dataset.digits import Digits
from snnx.run import history
from snnx.run.execute import execute

QUICK = ("neuron=if", "metric=[firing_rate,energy]", "timesteps=2", "trainer.max_epochs=2", "budget.samples=0.2")
QUICK = (*QUICK, "trainer.accelerator=cpu", "quantization=symmetric")
SEARCH = "search={study:'x',trial:0,storage:null,pruner:null}"


def run(outputs, *words):
    return replace(composed(*QUICK, *words), outputs=str(outputs))


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    outputs = tmp_path_factory.mktemp("trial")
    return outputs, execute(run(outputs, SEARCH))


def test_its_metrics_are_those_of_the_validation_part(trial):
    _, found = trial
    assert found["status"] == "done", found["error"]
    assert not [key for key in (*found["metrics"], *found["formulas"], *found["exact"]) if key.startswith("test/")]
    assert {"val/acc", "val/energy_45nm_uj", "val/firing_rate", "val/acc_8bit"} <= set(found["metrics"])
    assert found["metrics"]["val/acc"] == found["curves"]["val/acc"][-1]
    assert {kind for kinds in found["layers"].values() for kind in kinds} <= {"val", "correct", "wrong"}
    assert set(found["answers"]) == {"val"}
    assert found["samples"] is None
    assert not {"test", "chance", "split"} & set(found["data"])
    assert found["search"]["trial"] == 0


def test_other_labels_and_images_of_the_test_set_change_nothing(trial, tmp_path, monkeypatch):
    _, found = trial
    read = Digits.read

    def changed(self):
        parts = read(self)
        images, labels = parts["test"]
        return {**parts, "test": (255 - images, labels.roll(1))}

    monkeypatch.setattr(Digits, "read", changed)
    other = execute(run(tmp_path, SEARCH))
    ordinary = execute(run(tmp_path / "ordinary"))
    for key in ("metrics", "curves", "layers", "answers", "data", "first_losses"):
        assert other[key] == found[key], key
    assert ordinary["answers"]["test"]["identity"] != ordinary["answers"]["val"]["identity"], "an ordinary run reads it"


def test_its_result_is_not_that_of_an_ordinary_run(trial):
    """They share a name, so an ordinary run continues from the trial's last epoch and is tested on the test set."""
    outputs, found = trial
    ordinary = run(outputs)
    assert history.finished(run(outputs, SEARCH))["hash"] == found["hash"] == ordinary.id
    assert history.finished(ordinary) is None
    tested = execute(ordinary)
    assert tested["curves"] == found["curves"]
    assert {"test/acc", "test/energy_45nm_uj"} <= set(tested["metrics"])
    assert "search" not in tested
    assert history.finished(run(outputs, SEARCH)) is None


def test_it_needs_a_validation_part(tmp_path):
    found = execute(run(tmp_path, SEARCH, "dataset.validation=0"))
    assert found["status"] == "failed"
    assert found["error"]["message"] == "dataset.validation must be above 0 in a trial of a search; got 0"

"""`test_every_epoch=true` tests after each epoch, and the training does not notice."""

import pytest
from composing import composed

from snnx.run.execute import execute

WORDS = (
    "backbone=mlp",
    "encoding=rate",
    "timesteps=2",
    "trainer.max_epochs=3",
    "budget.samples=0.3",
    "trainer.accelerator=cpu",
)


@pytest.mark.slow
def test_the_accuracies_are_recorded_and_change_nothing(tmp_path, monkeypatch):
    plain, watched = composed(*WORDS), composed(*WORDS, "test_every_epoch=true")
    assert watched.id == plain.id
    assert watched.name == plain.name
    results = []
    for place, job in (("plain", plain), ("watched", watched)):
        (tmp_path / place).mkdir()
        monkeypatch.chdir(tmp_path / place)
        results.append(execute(job))
    without, found = results
    assert "epoch_tests" not in without
    assert len(found["epoch_tests"]) == 3
    assert found["epoch_tests"][-1] == pytest.approx(found["metrics"]["test/acc"])
    assert found["metrics"]["test/acc_chosen_on_test"] == max(found["epoch_tests"])
    assert "test/acc_chosen_on_test" not in without["metrics"]
    assert found["curves"] == without["curves"]
    assert found["first_losses"] == without["first_losses"]
    assert found["answers"] == without["answers"]


@pytest.mark.parametrize(("method", "name"), [("conversion", "Conversion"), ("tandem", "Tandem")])
def test_a_converted_network_is_refused(tmp_path, monkeypatch, method, name):
    monkeypatch.chdir(tmp_path)
    failed = execute(composed(f"method={method}", "timesteps=4", "test_every_epoch=true", "trainer.accelerator=cpu"))
    assert failed["error"]["message"].startswith(f"test_every_epoch must be false for {name}")

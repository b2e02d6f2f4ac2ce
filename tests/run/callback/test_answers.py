"""The correctness of each sample in a result: its mean is the accuracy, and samples are named by their split."""

import re

import pytest
import torch
from finished import finished

from snnx.record.correctness import unpack
from snnx.run.callback.answers import Answers


def means(result: dict) -> dict[str, float]:
    """The mean of each accuracy's answers."""
    parts = result["answers"].values()
    return {key: unpack(bits, part["samples"]).mean() for part in parts for key, bits in part["correct"].items()}


@pytest.mark.parametrize(
    ("words", "also"),
    [
        (
            ["metric=[anytime]", "quantization=symmetric"],
            {"test/anytime_acc_at_2", "test/acc_4bit", "test/anytime_acc_at_1_8bit"},
        ),
        (["method=conversion", "timesteps=6", "metric=[anytime]"], {"test/ann_acc", "test/anytime_acc_at_5"}),
        (["dataset.validation=0"], set()),
        (["trainer.max_epochs=0"], set()),
    ],
    ids=["direct", "conversion", "no validation", "no training"],
)
def test_their_means_are_the_accuracies(tmp_path, words, also):
    _, result = finished(tmp_path, *words)
    found = means(result)
    assert {"test/acc", "test/acc_best"} | also <= set(found)
    assert ("val/acc" in found) == (not {"dataset.validation=0", "trainer.max_epochs=0"} & set(words))
    for key, mean in found.items():
        assert result["metrics"][key] == pytest.approx(mean, abs=1e-6), key
    accuracies = {key for key in result["metrics"] if re.match("(val|test)/(acc|ann_acc|anytime_acc_at)(_|$)", key)}
    assert accuracies <= set(found)


def test_a_split_is_named_by_its_samples(tmp_path):
    first, other, shorter = (
        finished(tmp_path, "trainer.max_epochs=1", *words)[1]["answers"]
        for words in (["seed=0"], ["seed=1", "neuron=if"], ["dataset.validation=0.2"])
    )
    assert {part: value["identity"] for part, value in first.items()} == {
        part: value["identity"] for part, value in other.items()
    }
    assert shorter["test"]["identity"] == first["test"]["identity"]
    assert shorter["val"]["identity"] != first["val"]["identity"]


def test_the_best_epoch_is_the_first_with_the_highest_accuracy():
    answers = Answers()
    epochs = ([1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 0])
    for correct in epochs:
        for sample in correct:  # batches of one
            answers.on_validation_batch_end(None, None, {"val/acc": torch.tensor([bool(sample)])})
        answers.on_validation_epoch_end(None, None)
    kept = {key: unpack(bits, 3).tolist() for key, bits in answers.validated().items()}
    assert kept == {"val/acc_first": [1, 0, 0], "val/acc_best": [1, 1, 0], "val/acc": [0, 0, 0]}

    resumed = Answers()
    resumed.load_state_dict(answers.state_dict())
    resumed.on_validation_batch_end(None, None, {"val/acc": torch.tensor([True, False, False])})
    resumed.on_validation_epoch_end(None, None)
    assert resumed.validated()["val/acc_best"] == answers.validated()["val/acc_best"]
    assert unpack(resumed.validated()["val/acc"], 3).tolist() == [1, 0, 0]

"""Runs that differ only in what their tests read train the same network once, and give what they would give alone."""

import inspect
import json
from dataclasses import replace

import pytest
import torch
from composing import composed

from snnx.method.base import Method
from snnx.method.conversion import Conversion
from snnx.options.files import files
from snnx.record.checkpoint import load, path_of
from snnx.run.component import component
from snnx.run.execute import execute
from snnx.run.shared_training import FOLDER

TINY = (
    "method=conversion", "metric=[anytime]", "timesteps=20", "trainer.max_epochs=2", "budget.samples=0.1",
    "backbone.channels=[4,8]", "trainer.accelerator=cpu",
)  # fmt: skip
OTHER = {
    "timesteps": ["timesteps=30"],
    "piece": ["method.piece=7"],
    "code": ["method.code=burst"],
    "start": ["method.code=t2fsnn", "method.start=70", "timesteps=220", "method.tuning=0"],
    "tuning": ["method.code=t2fsnn", "method.tuning=1", "timesteps=240"],
    "input": ["method.input=poisson"],
    "normalise": ["method.normalise=threshold"],
    "percentile": ["method.percentile=99"],
    "percentile_over": ["method.percentile=99", "method.percentile_over=all"],
    "per_channel": ["method.per_channel=true"],
    "calibration": ["method.calibration=32"],
    "scales": ["method.scales=spikes"],
    "scale_factor": ["method.scale_factor=0.8"],
    "initial": ["method.initial=0.5"],
    "bias_calibration": ["method.bias_calibration=true"],
}
"""For each argument that only the test reads, words that change it."""


def run(outputs, *words):
    result = execute(replace(composed(*TINY, *words), outputs=str(outputs)))
    assert result["status"] == "done", result["error"]
    return result


def weights(outputs, result):
    content = load(path_of(outputs / "runs" / result["hash"] / "ckpt", 2), result["hash"])
    return content["state_dict"], content["optimizer_states"]


def test_there_are_words_for_each_argument():
    assert set(OTHER) == set(Conversion.test_only)


def test_arguments_of_the_test_are_arguments():
    for name in files("method"):
        method = component(composed(f"method={name}").config, "method").func
        assert issubclass(method, Method)
        assert set(method.test_only) <= set(inspect.signature(method).parameters)


@pytest.mark.slow
@pytest.mark.parametrize("argument", OTHER)
def test_a_training_does_not_depend_on_what_the_test_reads(argument, tmp_path):
    """Each run has outputs of its own, so that it trains: weights and the optimizer's state are the same bit for bit."""
    one, other = run(tmp_path / "one"), run(tmp_path / "other", *OTHER[argument])
    assert one["hash"] != other["hash"]
    assert one["curves"] == other["curves"]
    assert "trained_by" not in other
    torch.testing.assert_close(weights(tmp_path / "one", one), weights(tmp_path / "other", other), rtol=0, atol=0)


def test_the_second_run_takes_the_training_of_the_first(tmp_path, capsys):
    first = run(tmp_path / "one")
    taken = run(tmp_path / "one", "method.code=burst")
    assert f"not trained again: run {first['hash']} has trained the same network" in capsys.readouterr().out
    alone = run(tmp_path / "two", "method.code=burst")
    assert taken["trained_by"] == first["hash"]
    assert taken["resumed"] == []
    assert taken["before_s"] == 0
    assert taken["fit_s"] >= first["fit_s"] > 0
    own = {"wall_s", "before_s", "fit_s", "started", "trained_by", "peak_memory_mb"}
    assert {key: taken[key] for key in taken if key not in own} == {key: alone[key] for key in alone if key not in own}
    for file in ("metrics.csv", "layers.csv"):
        one, two = ((tmp_path / outputs / "runs" / taken["hash"] / file).read_text() for outputs in ("one", "two"))
        assert one == two, file
    folder = tmp_path / "one" / "runs" / taken["hash"] / "ckpt"
    assert (folder / "last.ckpt").resolve() == path_of(folder, 2).resolve()
    assert load(folder / "best.ckpt", taken["hash"])["epoch"] + 1 in (1, 2)
    (folder.parent / "result.json").unlink()  # as if the test had been interrupted
    again = run(tmp_path / "one", "method.code=burst")
    assert {key: again[key] for key in again if key not in own} == {key: alone[key] for key in alone if key not in own}
    assert (again["trained_by"], again["before_s"]) == (first["hash"], 0)
    third = run(tmp_path / "one", "method.code=phase")
    assert third["trained_by"] == first["hash"], "the run that has trained is named, not the one that took"


def test_another_training_is_not_taken(tmp_path):
    run(tmp_path)
    clipped = ["method.activation=clipped", "method.ceiling=0.5"]
    for words in (["seed=1"], ["optimizer.lr=0.02"], ["trainer.max_epochs=1"], clipped):
        assert "trained_by" not in run(tmp_path, "method.code=rate", *words), words


def _named(file, first):
    file.write_text("../../etc")


def _gone(file, first):
    file.unlink()


def _damaged(file, first):
    path = path_of(first / "ckpt", 2)
    path.write_bytes(path.read_bytes()[:-100])


def _other_best(file, first):
    path = path_of(first / "ckpt", 2)
    content = load(path, None)
    content["callbacks"]["Keep"]["best_epoch"] = "../../2"
    torch.save(content, path)


def _other_code(file, first):
    path = path_of(first / "ckpt", 2)
    torch.save(load(path, None) | {"snnx_code": "other"}, path)


@pytest.mark.parametrize("damage", [_named, _gone, _damaged, _other_best, _other_code])
def test_a_run_trains_if_it_cannot_take_the_training(damage, tmp_path):
    first = run(tmp_path)
    (file,) = (tmp_path / FOLDER).iterdir()
    assert file.read_text() == first["hash"]
    damage(file, tmp_path / "runs" / first["hash"])
    second = run(tmp_path, "method.code=burst")
    assert "trained_by" not in second
    assert second["curves"] == first["curves"]
    assert file.read_text() == second["hash"], "the others can take it from this run"
    assert json.loads((tmp_path / "runs" / second["hash"] / "result.json").read_text())["status"] == "done"


def test_a_folder_that_is_a_link_is_neither_read_nor_written(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / FOLDER).symlink_to(elsewhere)
    run(tmp_path)
    assert "trained_by" not in run(tmp_path, "method.code=burst")
    assert not list(elsewhere.iterdir())

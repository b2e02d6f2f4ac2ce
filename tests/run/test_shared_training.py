"""Runs that differ only in what their tests read train the same network once, and give what they would give alone."""

import inspect
import json
from dataclasses import replace

import pytest
import torch
from composing import composed
from pytorch_lightning import Callback

from snnx.method.base import Method
from snnx.method.conversion import Conversion
from snnx.metric.metric import Metric
from snnx.options.files import files
from snnx.record import provenance
from snnx.record.checkpoint import load, path_of
from snnx.run.component import component
from snnx.run.execute import execute
from snnx.run.history import start_over_if_forced
from snnx.run.shared_training import FOLDER, file_of, is_left, own_test_only

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
KERNEL = ("method.activation=kernel", "method.code=park", "timesteps=240")
OWN = {"wall_s", "before_s", "fit_s", "started", "trained_by", "peak_memory_mb"}
"""What differs between a run that takes a training and one that trains."""
CLIPPED = ("method.activation=clipped", "method.ceiling=2.0")


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


@pytest.mark.slow
@pytest.mark.parametrize("words", [OTHER["input"], OTHER["tuning"], (*KERNEL, "method.piece=7"), CLIPPED], ids=str)
def test_a_run_that_takes_a_training_has_the_numbers_of_one_that_trains(words, tmp_path):
    """The input draws random spikes, the tuning trains constants of the kernels, and the others train another ReLU network."""
    like = [word for word in words if word.startswith(("method.activation", "method.ceiling"))]
    first = run(tmp_path / "one", *(KERNEL if "method.activation=kernel" in like else like), "method.calibration=32")
    taken, alone = run(tmp_path / "one", *words), run(tmp_path / "two", *words)
    assert (taken["trained_by"], alone.get("trained_by")) == (first["hash"], None)
    assert {key: taken[key] for key in taken if key not in OWN} == {key: alone[key] for key in alone if key not in OWN}


def test_the_second_run_takes_the_training_of_the_first(tmp_path, capsys):
    first = run(tmp_path / "one")
    taken = run(tmp_path / "one", "method.code=burst")
    assert f"not trained again: run {first['hash']} has trained the same network" in capsys.readouterr().out
    alone = run(tmp_path / "two", "method.code=burst")
    assert taken["trained_by"] == first["hash"]
    assert taken["resumed"] == []
    assert taken["before_s"] == 0
    assert taken["fit_s"] >= first["fit_s"] > 0
    assert {key: taken[key] for key in taken if key not in OWN} == {key: alone[key] for key in alone if key not in OWN}
    for file in ("metrics.csv", "layers.csv"):
        one, two = ((tmp_path / outputs / "runs" / taken["hash"] / file).read_text() for outputs in ("one", "two"))
        assert one == two, file
    folder = tmp_path / "one" / "runs" / taken["hash"] / "ckpt"
    assert (folder / "last.ckpt").resolve() == path_of(folder, 2).resolve()
    assert load(folder / "best.ckpt", taken["hash"])["epoch"] + 1 in (1, 2)
    (folder.parent / "result.json").unlink()  # as if the test had been interrupted
    again = run(tmp_path / "one", "method.code=burst")
    assert {key: again[key] for key in again if key not in OWN} == {key: alone[key] for key in alone if key not in OWN}
    assert (again["trained_by"], again["before_s"]) == (first["hash"], 0)
    third = run(tmp_path / "one", "method.code=phase")
    assert third["trained_by"] == first["hash"], "the run that has trained is named, not the one that took"


def test_another_training_is_not_taken(tmp_path):
    run(tmp_path)
    clipped = ["method.activation=clipped", "method.ceiling=0.5"]
    for words in (["seed=1"], ["optimizer.lr=0.02"], ["trainer.max_epochs=1"], clipped):
        assert "trained_by" not in run(tmp_path, "method.code=rate", *words), words


ARGUMENTS = (*Conversion.test_only, "encoding")


def test_these_train_by_themselves(tmp_path):
    config = composed(*TINY).config
    assert file_of(config, tmp_path, ARGUMENTS).parent == tmp_path / FOLDER
    assert file_of(config, tmp_path, ()) is None
    several = ("trainer.devices=2", "trainer.devices=auto", "~trainer.devices", "+trainer.num_nodes=2")
    for words in ("test_every_epoch=true", "outdated=true", *several):
        assert file_of(composed(*TINY, words).config, tmp_path, ARGUMENTS) is None, words
    assert file_of(config | {"search": {"pruner": None}}, tmp_path, ARGUMENTS) is None


def test_none_of_the_arguments_changes_the_training(tmp_path):
    plain = file_of(composed(*TINY).config, tmp_path, ARGUMENTS)
    for words in OTHER.values():
        assert file_of(composed(*TINY, *words).config, tmp_path, ARGUMENTS) == plain, words
    for words in ("seed=1", "channels_last=true", "recompute_steps=2", "metric=[anytime,firing_rate]", "encoding=conv_direct"):
        assert (file_of(composed(*TINY, words).config, tmp_path, ARGUMENTS) == plain) == (words == "encoding=conv_direct"), (
            words
        )


def made(kind, **metrics):
    method = kind.__new__(kind)
    method.__dict__["metrics"] = metrics
    return method


def test_a_class_that_derives_from_conversion_names_its_arguments_again():
    class Longer(Conversion):
        pass

    class Named(Conversion):
        test_only = ("piece",)

    class Encoded(Conversion):
        test_only = ("timesteps",)

        def __init__(self, *, encoding, timesteps):
            pass

    for method, expected in ((Conversion, ARGUMENTS), (Longer, ()), (Named, ("piece",)), (Encoded, ("timesteps",))):
        assert own_test_only(made(method)) == expected


def test_a_metric_that_watches_the_training_must_store_what_it_has_seen():
    class Watches(Metric, Callback):
        pass

    class Stores(Watches):
        def state_dict(self):
            return {"steps": 1}

    assert own_test_only(made(Conversion, steps=Watches())) == ()
    assert own_test_only(made(Conversion, steps=Stores())) == ARGUMENTS


def test_a_training_that_was_interrupted_is_not_shared(tmp_path):
    """The epochs before and after could come from different code, which `outdated=true` allows."""
    first = run(tmp_path)
    (file,) = (tmp_path / FOLDER).iterdir()
    file.unlink()
    folder = tmp_path / "runs" / first["hash"]
    (folder / "result.json").unlink()
    path_of(folder / "ckpt", 2).unlink()
    assert run(tmp_path)["resumed"] == [1]
    assert not file.exists()
    file.write_text(first["hash"])
    assert "trained_by" not in run(tmp_path, "method.code=burst")
    assert file.read_text() != first["hash"]


def test_with_force_the_training_is_made_again(tmp_path):
    first = run(tmp_path)
    made = path_of(tmp_path / "runs" / first["hash"] / "ckpt", 2).stat().st_mtime_ns
    job = start_over_if_forced(replace(composed(*TINY, "force=true"), outputs=str(tmp_path)))
    again = execute(job)
    assert "trained_by" not in again
    assert path_of(job.folder / "ckpt", 2).stat().st_mtime_ns > made
    assert run(tmp_path, "method.code=burst")["trained_by"] == first["hash"]


def test_after_a_copy_that_was_interrupted_the_run_trains_on(tmp_path):
    """The copy of the best epoch is there, and that of the last is not: the numbers are the same, and the run has trained."""
    clipped = [*CLIPPED, "optimizer.lr=0.3"]
    first = run(tmp_path, *clipped)
    path = path_of(tmp_path / "runs" / first["hash"] / "ckpt", 1)
    taken = run(tmp_path, *clipped, "method.calibration=32")
    assert taken["trained_by"] == first["hash"]
    folder = tmp_path / "runs" / taken["hash"] / "ckpt"
    assert path.exists() == path_of(folder, 1).exists()
    if not path.exists():
        pytest.fail("the first epoch must be the best, so that two checkpoints are copied")
    path_of(folder, 2).unlink()
    (folder.parent / "result.json").unlink()
    again = run(tmp_path, *clipped, "method.calibration=32")
    assert "trained_by" not in again
    assert again["resumed"] == [1]
    assert again["metrics"] == taken["metrics"]


def test_own_checkpoints_of_other_code_do_not_hold_up_the_others(tmp_path):
    """After an edit, each run has outdated checkpoints of its own; still only one of them trains again."""
    first, second = run(tmp_path), run(tmp_path, "method.code=burst")
    for result in (first, second):
        folder = tmp_path / "runs" / result["hash"]
        (folder / "result.json").unlink()
        for path in (folder / "ckpt").glob("epoch=*.ckpt"):
            torch.save(load(path, None) | {"snnx_code": "other"}, path)
    assert "trained_by" not in run(tmp_path)
    assert run(tmp_path, "method.code=burst")["trained_by"] == first["hash"]


def test_the_best_checkpoint_of_other_code_is_replaced(tmp_path):
    """`evaluate` opens `best.ckpt`, so it must be that of the training that was taken."""
    first, second = run(tmp_path), run(tmp_path, "method.code=burst")
    folder = tmp_path / "runs" / second["hash"] / "ckpt"
    for path in [*folder.glob("epoch=*.ckpt"), folder / "best.ckpt"]:
        content = load(path, None) | {"snnx_code": "other"}
        content["state_dict"] = {key: value + 1 for key, value in content["state_dict"].items()}
        torch.save(content, path)
    (folder.parent / "result.json").unlink()
    assert run(tmp_path, "method.code=burst")["trained_by"] == first["hash"]
    best = load(folder / "best.ckpt", second["hash"])
    assert best["snnx_code"] != "other"
    wanted = load(tmp_path / "runs" / first["hash"] / "ckpt" / "best.ckpt", first["hash"])["state_dict"]
    assert all(torch.equal(value, wanted[key]) for key, value in best["state_dict"].items())


def test_the_plan_knows_which_training_is_left(tmp_path):
    first = run(tmp_path)
    (file,) = (tmp_path / FOLDER).iterdir()
    assert is_left(file, 2)
    assert not is_left(file, 3)
    path_of(tmp_path / "runs" / first["hash"] / "ckpt", 2).unlink()
    assert not is_left(file, 2)


def test_a_training_is_not_failed_by_outputs_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / FOLDER).write_text("a file, not a folder")
    assert "trained_by" not in run(tmp_path)
    assert "other runs cannot take this training: " in capsys.readouterr().out


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


def _on_another_device(file, first):
    path = path_of(first / "ckpt", 2)
    content = load(path, None)
    assert content["callbacks"]["Keep"]["made_on"] == {
        "device": provenance.device(torch.device("cpu")),
        **provenance.versions(),
    }
    content["callbacks"]["Keep"]["made_on"]["device"] = "cpu (another one), 1 threads"
    torch.save(content, path)


def _with_another_torch(file, first):
    path = path_of(first / "ckpt", 2)
    content = load(path, None)
    content["callbacks"]["Keep"]["made_on"]["torch"] = "2.0.0"
    torch.save(content, path)


def _without_a_state(file, first):
    path = path_of(first / "ckpt", 2)
    torch.save(load(path, None) | {"callbacks": {}}, path)


DAMAGES = [_named, _gone, _damaged, _other_best, _other_code, _on_another_device, _with_another_torch, _without_a_state]


@pytest.mark.parametrize("damage", DAMAGES)
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

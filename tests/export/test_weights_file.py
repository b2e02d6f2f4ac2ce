"""Weights as safetensors: written with their origin, and loaded again by `method.checkpoint` and `backbone.weights`."""

import json

import pytest
import torch
from composing import composed
from finished import TINY, finished

from snnx.backbone.weights import load_weights
from snnx.command import export
from snnx.run.build import build_data, build_method
from snnx.run.reopen import reopen
from snnx.run.retest import retest

safetensors = pytest.importorskip("safetensors", reason="the extra is not installed: pip install 'snnx[export]'")

safetensors_torch = pytest.importorskip("safetensors.torch")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return finished(tmp_path_factory.mktemp("outputs"), "method=conversion", "metric=[]", "trainer.max_epochs=1")


def test_weights_and_facts_are_written_and_loaded_again(run, tmp_path, capsys):
    folder, result = run
    file = tmp_path / "weights.safetensors"
    assert export.main([f"checkpoint={folder}", f"to={file}"]) == 0
    assert capsys.readouterr().out.split() == [str(file), str(file.with_suffix(".json"))]
    with safetensors.safe_open(file, "pt") as opened:
        facts = json.loads(opened.metadata()["snnx"])
    assert facts == json.loads(file.with_suffix(".json").read_text())
    assert (facts["run"], facts["checkpoint"], facts["config"]["seed"]) == (result["hash"], "best.ckpt", 0)
    assert facts["metrics"]["test/acc"] == result["metrics"]["test/acc"]
    config = composed(*TINY, "method=conversion", "metric=[]", f"method.checkpoint={file}").config
    method = build_method(config, build_data(config))
    for key, value in reopen(folder).weights.items():
        assert torch.equal(method.state_dict()[key], value), key


def test_metrics_are_those_of_the_exported_weights(tmp_path):
    """With this learning rate, the first of the three epochs is the best."""
    folder, result = finished(tmp_path / "outputs", "metric=[]", "trainer.max_epochs=3", "optimizer.lr=0.3")
    assert result["metrics"]["best_epoch"] == 1
    for checkpoint, epoch, others in (("best.ckpt", 1, {"val/acc"}), ("last.ckpt", 3, {"val/acc", "train/loss", "best_epoch"})):
        file = tmp_path / f"{epoch}.safetensors"
        assert export.main([f"checkpoint={folder}/ckpt/{checkpoint}", f"to={file}"]) == 0
        facts = json.loads(file.with_suffix(".json").read_text())
        tested = retest(folder / "ckpt" / checkpoint, [])["metrics"]
        assert facts["epoch"] == epoch
        assert {key: facts["metrics"][key] for key in tested} == pytest.approx(tested)
        assert others <= set(facts["metrics"])
        assert not any(key.endswith("_best") for key in facts["metrics"])
    assert result["metrics"]["test/loss"] != result["metrics"]["test/loss_best"]


def test_weights_of_an_encoding_are_written_too(tmp_path, capsys):
    folder, _ = finished(tmp_path / "outputs", "encoding=conv_direct", "metric=[]", "trainer.max_epochs=1")
    file = tmp_path / "weights.safetensors"
    assert export.main([f"checkpoint={folder}", f"to={file}"]) == 0
    further = json.loads(file.with_suffix(".json").read_text())["further"]
    written, weights = safetensors_torch.load_file(file), reopen(folder).weights
    assert {"encoding.conv.weight", "encoding.bn.running_mean"} <= set(further)
    assert all(torch.equal(written[key.removeprefix("backbone.")], value) for key, value in weights.items())
    assert len(written) == len(weights)
    words = ["backbone.channels=[4,8]", "dataset=digits", "metric=[]", "encoding=conv_direct"]
    method = build_method(composed(*words).config, build_data(composed(*words).config))
    load_weights(method.backbone, str(file), name="backbone.weights")
    for key, value in method.backbone.state_dict().items():
        assert torch.equal(weights[f"backbone.{key}"], value), key
    assert export.main([f"checkpoint={folder}", "format=nir", f"to={tmp_path}/net.nir"]) == 2
    error = capsys.readouterr().err
    assert "format=nir needs an encoding without weights" in error
    assert error.count("\n") == 1


def test_wrong_suffix_and_damaged_file(run, tmp_path, capsys):
    assert export.main([f"checkpoint={run[0]}", f"to={tmp_path}/weights.pt"]) == 2
    assert "to must end in .safetensors; got" in capsys.readouterr().err
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\xff" * 64)
    with pytest.raises(ValueError, match=r"backbone.weights: must be a file of weights; got .*, which is damaged"):
        load_weights(torch.nn.Linear(1, 1), str(broken), name="backbone.weights")


def test_a_run_that_was_not_trained_has_no_weights_to_export(run, tmp_path, capsys):
    words = ["method=conversion", "metric=[]", "trainer.max_epochs=0", f"method.checkpoint={run[0]}/ckpt/best.ckpt"]
    folder, _ = finished(tmp_path, *words)
    assert export.main([f"checkpoint={folder}"]) == 2
    assert "must contain weights; got a run that was not trained: export the file that it loaded" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "checkpoint= must name a run's folder, a .ckpt in it, or a .safetensors file of snnx export; got none"),
        (["checkpoint=nowhere"], "got nowhere, which does not exist"),
        (["checkpoint=x", "format=nir", "fold=yes"], "fold must be true or false; got yes"),
        (["checkpoint=x", "fold=true"], "fold=true must be used with format=nir; got format=safetensors, which has no"),
        (["checkpoint=x", "format=onnx"], "format must be one of safetensors, nir; got onnx"),
        (
            ["checkpoint=x", "formt=nir"],
            "a word must be one of checkpoint=, format=, to= and fold=; got formt=nir; did you mean format?",
        ),
    ],
)
def test_mistakes_are_one_line(words, message, capsys):
    assert export.main(words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error

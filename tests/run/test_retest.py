"""A finished run is tested again: with the same numbers, or with other metrics; mistakes are reported in one line."""

import json
import os
import re
import shutil
import sys

import pytest
import torch
import yaml
from composing import composed
from finished import finished, result_of

from snnx.command import evaluate
from snnx.record.checkpoint import RUN
from snnx.record.write import write
from snnx.run.execute import execute
from snnx.run.overrides import apply_overrides
from snnx.run.reopen import reopen
from snnx.run.retest import retest


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder and the result of a finished run; tests must not change it."""
    return finished(tmp_path_factory.mktemp("outputs"), "neuron=plif", "neuron.v_threshold=0.2", "encoding=rate", "seed=1")


@pytest.fixture
def copied(run, tmp_path):
    """A copy of the run, which a test may change."""
    return shutil.copytree(run[0], tmp_path / run[0].name)


def test_without_changes_the_numbers_are_those_of_the_result(run):
    folder, result = run
    last = retest(folder / "ckpt" / "epoch=2.ckpt", [])
    assert last["changed"] == []
    assert last["hash"] == result["hash"]
    for key, value in last["metrics"].items():
        assert result["metrics"][key] == pytest.approx(value, abs=1e-9), key
    assert last["layers"] == result["layers"]
    assert last["samples"] == result["samples"]
    best = retest(folder, [])
    assert best["metrics"]["test/acc"] == result["metrics"].get("test/acc_best", result["metrics"]["test/acc"])


def test_other_metrics_can_be_measured(run):
    folder, result = run
    found = retest(folder / "ckpt" / "epoch=2.ckpt", ["metric=[spikes_per_neuron,anytime]", "metric.anytime.confidence=0.5"])
    assert found["metrics"]["test/acc"] == result["metrics"]["test/acc"]
    assert found["metrics"]["test/anytime_acc_at_2"] == pytest.approx(found["metrics"]["test/acc"], abs=1e-6)
    assert "test/firing_rate" not in found["metrics"]
    assert found["changed"] == ["metric.anytime.confidence=0.5"]
    assert not (folder / "evaluate.json").exists()


def test_a_converted_network_is_calibrated_with_the_samples_of_its_run(tmp_path, monkeypatch):
    """Which training samples come first depends on the epoch, and a test after the training comes after the last one."""
    monkeypatch.chdir(tmp_path)
    words = ("method=conversion", "timesteps=5", "method.calibration=8", "trainer.max_epochs=2", "budget.samples=0.3")
    done = execute(composed(*words, "trainer.accelerator=cpu"))
    again = retest(tmp_path / "outputs" / "runs" / done["hash"] / "ckpt" / "last.ckpt", [])["metrics"]
    assert again["test/loss"] == done["metrics"]["test/loss"]
    assert again["test/acc"] == done["metrics"]["test/acc"]


def test_a_conversion_without_training_is_tested_with_the_weights_that_it_loaded(tmp_path):
    relu, _ = finished(tmp_path, "method=conversion", "metric=[]", "seed=2", "trainer.max_epochs=1")
    words = ["method=conversion", "metric=[]", "trainer.max_epochs=0", f"method.checkpoint={relu}/ckpt/best.ckpt"]
    folder, result = finished(tmp_path, *words)
    assert reopen(folder).checkpoint is None
    assert retest(folder, [])["metrics"]["test/acc"] == result["metrics"]["test/acc"]
    with pytest.raises(ValueError, match=r"Conversion: metric must not need all steps at once, .*; got potential"):
        retest(folder, ["metric=potential"])


def test_command_prints_a_table_and_writes_the_requested_file(run, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(run[0])
    assert evaluate.main([f"checkpoint={link}", "--json", "evaluate.json", "metric=[firing_rate]"]) == 0
    out = capsys.readouterr().out
    found = json.loads((tmp_path / "evaluate.json").read_text())
    assert re.search(rf"test/acc +{found['metrics']['test/acc']:.6g}\n", out)
    assert "firing_rate by layer, mean over time steps\n  stages.sn1  0." in out
    assert evaluate.main([f"checkpoint={link}"]) == 0
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["evaluate.json"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "checkpoint= must name a run's folder, a .ckpt in it, or a .safetensors file of snnx export; got none"),
        (["checkpoint=nowhere"], r"or a \.safetensors file of snnx export; got nowhere, which does not exist"),
        (["checkpoint=RUN", "metric=firing_rat"], "metric must be one of .*; got firing_rat; did you mean firing_rate"),
        (["checkpoint=RUN", "metric=attention_zero"], "spiking attention; got ConvNet; choose .*spikformer"),
        (
            ["checkpoint=RUN", "metric=firing_rate_by_iteration"],
            "metric must be measurable in a test of .*; got firing_rate_by_iteration, which recorded nothing: leave it out",
        ),
        (["checkpoint=RUN", "encoding.timestep=3"], "got encoding.timestep=3; did you mean encoding.timesteps"),
        (["checkpoint=RUN", "metric=[energy"], r"metric must be a name or a list of names in brackets; got metric=\[energy"),
        (["checkpoint=RUN", "timesteps=8"], r"got timesteps=8; did you mean encoding.timesteps=8\?"),
        (["checkpoint=RUN", "metric.firing_rate.x=1"], r"metric.firing_rate.x must be a key of the run; got [^;]*\n"),
        (["checkpoint=RUN", "neuron=lif"], r"an override must be metric=\[a,b\] or group.key=value; got neuron=lif"),
        (["checkpoint=RUN", "encoding.timesteps=x"], "encoding.timesteps must be of type int; got x"),
        (["checkpoint=RUN", "trainer.max_epochs={"], "trainer.max_epochs must have a value that is valid YAML; got trainer"),
        (["checkpoint=RUN", "dataset.batch_size=0"], "batch_size must .*; got 0"),
        (["checkpoint=RUN", "trainer.accelerator=gup"], "gup"),
        (["checkpoint=RUN", "--json", "RUN/ckpt"], "--json must name a file that can be written; got .*/ckpt"),
        (["checkpoint=RUN", "--json", "RUN/config.yaml/x.json"], "--json must name a file that can be written; got .*x.json"),
        (["checkpoint=RUN", "backbone.channels=[4,6]"], "stages.conv2.0.weight must be of size .*another architecture"),
    ],
)
def test_mistakes_are_one_line(run, words, message, capsys):
    assert evaluate.main([word.replace("RUN", str(run[0])) for word in words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(message, error), error


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_missing_gpu_is_reported_in_one_line(run, capsys):
    assert evaluate.main([f"checkpoint={run[0]}", "trainer.accelerator=cuda"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_closed_output_pipe_does_not_fail_the_command(run, tmp_path, monkeypatch):
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert evaluate.main([f"checkpoint={run[0]}", "--json", str(tmp_path / "found.json")]) == 0
    assert json.loads((tmp_path / "found.json").read_text())["hash"] == run[1]["hash"]


def test_missing_data_exits_1_with_one_line(empty, capsys):
    job = composed("dataset=fashion_mnist", "trainer.max_epochs=0")
    folder = empty / job.id
    write(folder / "config.yaml", yaml.safe_dump(job.config))
    write(folder / "result.json", json.dumps(result_of(job)))
    assert evaluate.main([f"checkpoint={folder}"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "snnx prepare fashion_mnist" in error


def test_folders_that_are_not_runs(tmp_path):
    accepted = r"must be a run's folder, a \.ckpt in its ckpt/, or a \.safetensors file of snnx export; got "
    with pytest.raises(ValueError, match=accepted + r".*, but there is no .*/config\.yaml$"):
        reopen(tmp_path)
    (tmp_path / "weights.pt").write_bytes(b"x")
    with pytest.raises(ValueError, match=accepted + r".*weights\.pt, but there is no .*/config\.yaml$"):
        reopen(tmp_path / "weights.pt")
    (tmp_path / "config.yaml").write_text("model: resnet\n")
    with pytest.raises(ValueError, match=r"must have the configuration of a run of snnx; got that of another program"):
        reopen(tmp_path)
    (tmp_path / "config.yaml").write_text("a: [1,\n")
    with pytest.raises(ValueError, match=r"must be valid YAML; got a damaged file"):
        reopen(tmp_path)


@pytest.mark.parametrize(
    ("group", "value", "kind"),
    [("surrogate", "x", "str"), ("loss", [1], "list"), ("decoding", {"a": 1}, "dict"), ("metric", {"a": {"b": 1}}, "dict")],
)
def test_a_group_without_a_component(copied, group, value, kind):
    config = yaml.safe_load((copied / "config.yaml").read_text())
    (copied / "config.yaml").write_text(yaml.safe_dump(config | {group: value}))
    with pytest.raises(ValueError, match=rf"config\.yaml: {group} must be null or components with .*; got {kind}$"):
        reopen(copied)


def test_runs_without_checkpoints_and_unfinished_runs(copied):
    shutil.rmtree(copied / "ckpt")
    with pytest.raises(FileNotFoundError, match=r"must contain the checkpoint of a trained run; got none: it was removed"):
        reopen(copied)
    result = json.loads((copied / "result.json").read_text())
    (copied / "result.json").write_text(json.dumps(result | {"status": "diverged"}))
    with pytest.raises(ValueError, match=r"must be a finished run; got one with the status diverged"):
        reopen(copied)
    (copied / "result.json").unlink()
    with pytest.raises(ValueError, match=r"must be a finished run; got one that has not finished"):
        reopen(copied)


def test_checkpoints_of_other_programs_and_runs(copied):
    best = copied / "ckpt" / "best.ckpt"
    content = torch.load(best, weights_only=True)
    torch.save({"state_dict": {}}, best)
    with pytest.raises(ValueError, match=r"must be a checkpoint of snnx, with the entry snnx_run; got one of another program"):
        reopen(copied)
    torch.save({**content, RUN: "0123456789abcdef"}, best)
    with pytest.raises(ValueError, match=r"must belong to the run of its config.yaml, \w{16}; got 0123456789abcdef"):
        reopen(copied)
    torch.save({RUN: content[RUN]}, best)
    with pytest.raises(ValueError, match=r"must contain a state_dict; got only snnx_run"):
        reopen(copied)
    best.write_bytes(best.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"must be a checkpoint of tensors and plain values"):
        reopen(copied)


def test_a_changed_config_yaml_is_rejected(copied):
    config = yaml.safe_load((copied / "config.yaml").read_text())
    config["seed"] += 1
    (copied / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(ValueError, match=r"config.yaml was changed, or another version of snnx computed the run"):
        reopen(copied)


def test_overrides_do_not_change_the_frozen_configuration(run):
    config = reopen(run[0]).config
    other = apply_overrides(config, ["metric=[anytime,firing_rate]", "metric.anytime.every=3", "encoding.timesteps=7"])
    assert list(other["metric"]) == ["anytime", "firing_rate"]
    assert other["metric"]["anytime"]["every"] == 3
    assert other["encoding"]["timesteps"] == 7
    assert config["encoding"]["timesteps"] == 2

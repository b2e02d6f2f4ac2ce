"""A finished run is tested again: the same numbers, other metrics, and one line for what cannot be."""

import json
import os
import re
import shutil
import sys

import pytest
import torch
import yaml
from composing import composed
from finished import finished

from snnx.command import evaluate
from snnx.record.checkpoint import RUN
from snnx.record.write import write
from snnx.run.changed import changed
from snnx.run.reopen import reopen
from snnx.run.retest import retest


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Its folder and its result; nobody changes it."""
    return finished(tmp_path_factory.mktemp("outputs"), "neuron=plif", "neuron.v_threshold=0.2", "encoding=rate", "seed=1")


@pytest.fixture
def copied(run, tmp_path):
    """The same run where it may be changed."""
    return shutil.copytree(run[0], tmp_path / run[0].name)


def test_nothing_changed_gives_the_numbers_of_the_result(run):
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


def test_other_metrics_watch_the_same_network(run):
    folder, result = run
    found = retest(folder / "ckpt" / "epoch=2.ckpt", ["metric=[spikes_per_neuron,anytime]", "metric.anytime.confidence=0.5"])
    assert found["metrics"]["test/acc"] == result["metrics"]["test/acc"]
    assert found["metrics"]["test/anytime_acc_at_2"] == pytest.approx(found["metrics"]["test/acc"], abs=1e-6)
    assert "test/firing_rate" not in found["metrics"]
    assert found["changed"] == ["metric.anytime.confidence=0.5"]
    assert not (folder / "evaluate.json").exists()


def test_a_conversion_that_trained_nothing_is_tested_as_it_was_built(tmp_path):
    relu, _ = finished(tmp_path, "method=conversion", "metric=[]", "seed=2", "trainer.max_epochs=1")
    words = ["method=conversion", "metric=[]", "trainer.max_epochs=0", f"method.checkpoint={relu}/ckpt/best.ckpt"]
    folder, result = finished(tmp_path, *words)
    assert reopen(folder).checkpoint is None
    assert retest(folder, [])["metrics"]["test/acc"] == result["metrics"]["test/acc"]
    with pytest.raises(ValueError, match=r"Conversion: metric must not need all steps at once, .*; got potential"):
        retest(folder, ["metric=potential"])


def test_command_prints_a_table_and_writes_what_is_asked_for(run, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(run[0])
    assert evaluate.main([f"checkpoint={link}", "--json", "evaluate.json", "metric=[firing_rate]"]) == 0
    out = capsys.readouterr().out
    found = json.loads((tmp_path / "evaluate.json").read_text())
    assert re.search(rf"test/acc +{found['metrics']['test/acc']:.6g}\n", out)
    assert "firing_rate by layer, mean over its steps\n  stages.sn1  0." in out
    assert evaluate.main([f"checkpoint={link}"]) == 0
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["evaluate.json"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "checkpoint= must name a run's folder or a .ckpt in it; got none"),
        (["checkpoint=nowhere"], "which does not exist"),
        (["checkpoint=RUN", "metric=firing_rat"], "metric must be one of .*; got firing_rat; did you mean firing_rate"),
        (["checkpoint=RUN", "metric=attention_zero"], "spiking attention; got ConvNet; choose .*spikformer"),
        (
            ["checkpoint=RUN", "metric=firing_rate_by_iteration"],
            "got firing_rate_by_iteration, which found nothing to watch in a test of it",
        ),
        (["checkpoint=RUN", "encoding.timestep=3"], "got encoding.timestep=3; did you mean encoding.timesteps"),
        (["checkpoint=RUN", "metric=[energy"], r"metric must be a name or a list of names in brackets; got metric=\[energy"),
        (["checkpoint=RUN", "timesteps=8"], "a key of a group with its value; got timesteps=8: encoding.timesteps=8"),
        (["checkpoint=RUN", "metric.firing_rate.x=1"], r"metric.firing_rate.x must be a key of the run; got [^;]*\n"),
        (["checkpoint=RUN", "neuron=lif"], r"must be metric=\[a,b\] or a key of a group with its value; got neuron=lif"),
        (["checkpoint=RUN", "encoding.timesteps=x"], "encoding.timesteps must be of type int; got x"),
        (["checkpoint=RUN", "trainer.max_epochs={"], "trainer.max_epochs must have a value in YAML; got trainer.max_epochs={"),
        (["checkpoint=RUN", "dataset.batch_size=0"], "batch_size must .*; got 0"),
        (["checkpoint=RUN", "trainer.accelerator=gup"], "gup"),
        (["checkpoint=RUN", "--json", "RUN/ckpt"], "--json must name a file that can be written; got .*/ckpt"),
        (["checkpoint=RUN", "--json", "RUN/config.yaml/x.json"], "--json must name a file that can be written; got .*x.json"),
        (["checkpoint=RUN", "backbone.channels=[4,6]"], "stages.conv2.0.weight must be of size .*another architecture"),
    ],
)
def test_one_line_for_a_mistake(run, words, said, capsys):
    assert evaluate.main([word.replace("RUN", str(run[0])) for word in words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(said, error), error


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there(run, capsys):
    assert evaluate.main([f"checkpoint={run[0]}", "trainer.accelerator=cuda"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_reader_that_stops_reading(run, tmp_path, monkeypatch):
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert evaluate.main([f"checkpoint={run[0]}", "--json", str(tmp_path / "found.json")]) == 0
    assert json.loads((tmp_path / "found.json").read_text())["hash"] == run[1]["hash"]


def test_missing_data_is_one_line_and_1(empty, capsys):
    job = composed("dataset=fashion_mnist", "trainer.max_epochs=0")
    folder = empty / job.id
    write(folder / "config.yaml", yaml.safe_dump(job.config))
    write(folder / "result.json", '{"status": "done", "metrics": {}}')
    assert evaluate.main([f"checkpoint={folder}"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "snnx prepare fashion_mnist" in error


def test_no_run(tmp_path):
    with pytest.raises(ValueError, match=r"must be a run's folder, with the config.yaml that snnx froze"):
        reopen(tmp_path)
    (tmp_path / "config.yaml").write_text("model: resnet\n")
    with pytest.raises(ValueError, match=r"must be the configuration of a run of snnx; got another project's"):
        reopen(tmp_path)
    (tmp_path / "config.yaml").write_text("a: [1,\n")
    with pytest.raises(ValueError, match=r"must be readable YAML; got something else: it is damaged"):
        reopen(tmp_path)


def test_unfinished_and_stripped_runs(copied):
    shutil.rmtree(copied / "ckpt")
    with pytest.raises(FileNotFoundError, match=r"must hold the checkpoint of a trained run; got none: it was removed"):
        reopen(copied)
    (copied / "result.json").write_text('{"status": "diverged"}')
    with pytest.raises(ValueError, match=r"must be a finished run; got one that ended as diverged"):
        reopen(copied)
    (copied / "result.json").unlink()
    with pytest.raises(ValueError, match=r"must be a finished run; got one that has not finished"):
        reopen(copied)


def test_checkpoints_of_others(copied):
    best = copied / "ckpt" / "best.ckpt"
    content = torch.load(best, weights_only=True)
    torch.save({"state_dict": {}}, best)
    with pytest.raises(ValueError, match=r"must be a checkpoint of snnx, with the entry snnx_run; got another project's"):
        reopen(copied)
    torch.save({**content, RUN: "0123456789abcdef"}, best)
    with pytest.raises(ValueError, match=r"must belong to the run beside it, \w{16}; got 0123456789abcdef"):
        reopen(copied)
    torch.save({RUN: content[RUN]}, best)
    with pytest.raises(ValueError, match=r"must hold a state_dict; got snnx_run"):
        reopen(copied)
    best.write_bytes(best.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"must be a checkpoint of tensors and plain values"):
        reopen(copied)


def test_a_changed_configuration_is_noticed(copied):
    config = yaml.safe_load((copied / "config.yaml").read_text())
    config["seed"] += 1
    (copied / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(ValueError, match=r"config.yaml was changed, or another version of snnx computed it"):
        reopen(copied)


def test_changes_leave_the_frozen_configuration_alone(run):
    config = reopen(run[0]).config
    other = changed(config, ["metric=[anytime,firing_rate]", "metric.anytime.every=3", "encoding.timesteps=7"])
    assert list(other["metric"]) == ["anytime", "firing_rate"]
    assert other["metric"]["anytime"]["every"] == 3
    assert other["encoding"]["timesteps"] == 7
    assert config["encoding"]["timesteps"] == 2

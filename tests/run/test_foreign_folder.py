"""A run's folder that is foreign or damaged is refused, or concerns its own run; nothing outside of it is written."""

import json
import os
import shutil
from dataclasses import replace

import pytest
import torch
import yaml
from composing import composed
from finished import finished, result_of

from snnx.command import evaluate
from snnx.record import run_folder
from snnx.record.checkpoint import RUN, epochs
from snnx.record.write import write
from snnx.run import history
from snnx.run.child_process import UNWRITTEN
from snnx.run.child_process import main as execute_in_process
from snnx.run.execute import execute
from snnx.run.outdated import changed_since, outdated


@pytest.fixture
def job(tmp_path):
    return replace(composed("neuron=lif", "trainer.accelerator=cpu"), outputs=str(tmp_path / "outputs"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return finished(tmp_path_factory.mktemp("run"))[0]


@pytest.fixture
def copied(run, tmp_path):
    return shutil.copytree(run, tmp_path / run.name, symlinks=True)


@pytest.mark.parametrize("name", ["run.log", "progress.tmp", "metrics.csv", "tensorboard", "wandb", ".lock"])
def test_nothing_is_written_through_a_link(job, tmp_path, name):
    precious = write(tmp_path / "home" / "precious", "text")
    job.folder.mkdir(parents=True)
    (job.folder / name).symlink_to(precious if "." in name else precious.parent)
    with pytest.raises(ValueError, match=rf"{name} must be no link, because snnx writes to it; got a link to .*: remove it"):
        execute(job)
    assert [path.name for path in precious.parent.iterdir()] == ["precious"]
    assert precious.read_text() == "text"


@pytest.mark.parametrize("name", ["epoch=1.ckpt", "best.ckpt", "last.ckpt"])
def test_a_checkpoint_of_another_place_is_not_read(copied, job, tmp_path, name, capsys):
    precious = write(tmp_path / "home" / "precious.ckpt", (copied / "ckpt" / "best.ckpt").read_bytes())
    (copied / "ckpt" / name).unlink(missing_ok=True)
    (copied / "ckpt" / name).symlink_to(precious)
    message = f"ckpt/{name} must be a link to a checkpoint beside it; got one to {precious}: remove it"
    assert evaluate.main([f"checkpoint={copied}"]) == 2
    assert message in capsys.readouterr().err
    job.folder.parent.mkdir(parents=True)
    shutil.copytree(copied, job.folder, symlinks=True)
    with pytest.raises(ValueError, match=message):
        execute(job)


def test_a_run_s_folder_that_is_a_link_is_refused_and_a_link_to_it_is_not(copied, tmp_path, capsys):
    (tmp_path / "mine").symlink_to(copied)
    (tmp_path / "best").symlink_to("mine")
    assert evaluate.main([f"checkpoint={tmp_path / 'best'}"]) == 0
    received = tmp_path / "outputs" / "runs" / copied.name
    received.parent.mkdir(parents=True)
    received.symlink_to(copied)
    for path in (received, received / "ckpt" / "best.ckpt"):
        assert evaluate.main([f"checkpoint={path}"]) == 2
        assert f"{received} must be a folder, because files in it are replaced; got a link" in capsys.readouterr().err


def test_the_log_is_not_written_through_a_link(job, tmp_path):
    """The process of a run opens it before the run is executed."""
    precious = write(tmp_path / "precious", "text")
    job.folder.mkdir(parents=True)
    (job.folder / "run.log").symlink_to(precious)
    pid = os.fork()
    if not pid:
        try:
            execute_in_process(job, 1)
        except SystemExit as error:
            os._exit(error.code)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == UNWRITTEN
    assert precious.read_text() == "text"


FOREIGN = {
    "empty": "", "a list": "[1]", "text": "dataset", "a number for a group": "dataset: 5\nseed: 0\n", "keys": "1: 2\n",
    "a date": "seed: 2020-01-01\n", "bytes": "a: !!binary aGk=\n", "itself": "dataset: &a {x: *a}\n", "deep": "[" * 5_000,
    "damaged": "a: [", "nothing fits": "a: !!int ''\n",
}  # fmt: skip


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_a_damaged_configuration_of_an_old_run_does_not_end_a_sweep(job, text):
    """Such as one that is empty since the disk was full."""
    old = replace(job, id="0" * 16)
    write(old.folder / "config.yaml", text)
    run_folder.link(job.link, old.folder)
    assert "a new run beside the old one of this name: " in history.describe_earlier_attempt(job)


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("added", ["", "method: {}\nbudget: {}\ntrainer: {}\nscheduler: {}\n"])
def test_evaluating_a_foreign_configuration_is_one_line(copied, capsys, text, added):
    write(copied / "config.yaml", text + added)
    assert evaluate.main([f"checkpoint={copied}"]) == 2
    assert "config.yaml" in (error := capsys.readouterr().err)
    assert error.count("\n") == 1


@pytest.mark.parametrize("value", ["2020-01-01", "!!binary aGk=", "{1: 2, a: 3}", "!!set {a}"])
def test_evaluating_a_configuration_with_other_values_is_one_line(copied, capsys, value):
    text = (copied / "config.yaml").read_text()
    write(copied / "config.yaml", f"{text}further: {value}\n")
    assert evaluate.main([f"checkpoint={copied}"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("changes", [{RUN: ["a"]}, {"epoch": "x"}, {"state_dict": {"a": 1}}, {"state_dict": [1]}], ids=str)
def test_evaluating_a_checkpoint_with_other_values_is_one_line_or_works(copied, capsys, changes):
    path = copied / "ckpt" / "best.ckpt"
    content = torch.load(path, weights_only=True)
    torch.save(content | changes, path)
    assert evaluate.main([f"checkpoint={copied}"]) == (0 if "epoch" in changes else 2)
    assert capsys.readouterr().err.count("\n") == ("epoch" not in changes)


@pytest.mark.parametrize("name", ["config.yaml", "result.json", "ckpt/best.ckpt"])
def test_evaluating_a_folder_with_a_pipe_is_one_line(copied, capsys, name):
    (copied / name).unlink()
    os.mkfifo(copied / name)
    assert evaluate.main([f"checkpoint={copied}"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


INPUTS = [
    5, [], {"code": {}, "data": {"folders": 5, "stamp": "", "content": ""}}, "[" * 5_000,
    {"code": {}, "data": {"folders": [["a"]], "stamp": "", "content": ""}}, {"code": {"a": [1]}, "data": {"folders": ["\0"]}},
]  # fmt: skip


@pytest.mark.parametrize("made", INPUTS, ids=lambda made: str(made)[:40])
def test_foreign_inputs_make_a_result_out_of_date(job, made):
    write(job.folder / "inputs.json", made if isinstance(made, str) else json.dumps(made))
    assert outdated(job) == changed_since(job.folder, job.config, {}) == "inputs.json is damaged"


def test_names_that_only_look_like_checkpoints_are_none(tmp_path):
    for name in ("epoch=²", "epoch=x", "epoch=", "epoch=-1", "epoch=2"):
        write(tmp_path / f"{name}.ckpt", "x")
    (tmp_path / "epoch=3.ckpt").mkdir()
    os.mkfifo(tmp_path / "epoch=4.ckpt")
    assert epochs(tmp_path) == [2]


def test_a_result_of_another_form_is_executed_again(job):
    write(job.folder / "result.json", json.dumps(result_of(job) | {"git": {"commit": [1]}}))
    assert history.finished(job) is None


def test_the_configuration_of_a_run_reads_the_same_with_both_loaders(run):
    from snnx.options.strict_yaml import load

    text = (run / "config.yaml").read_text()
    assert load(text) == yaml.safe_load(text)

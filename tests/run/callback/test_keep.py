"""A run that is stopped or killed and started again gives exactly the result of an uninterrupted run."""

import itertools
import os
import signal
from dataclasses import replace

import pytest
import torch
from composing import composed

from snnx.record import checkpoint, result_file
from snnx.record.checkpoint import Checkpoints, path_of
from snnx.run import fork_server, history
from snnx.run.callback.keep import Keep
from snnx.run.execute import execute

QUICK = (
    "timesteps=2",
    "trainer.max_epochs=6",
    "budget.samples=0.2",
    "trainer.accelerator=cpu",
    "encoding=rate",
    "augmentation=crop_flip",
)
MEASURED = ("metrics", "curves", "layers", "samples", "data", "parameters")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    job = replace(composed(*QUICK), outputs=str(tmp_path_factory.mktemp("uninterrupted")))
    return job, execute(job)


def interrupt_after(job, epoch: int, monkeypatch) -> None:
    """Execute a run, and send it SIGINT, as Ctrl-C does, when the checkpoint of this epoch has been written."""
    keep = Keep.on_train_epoch_end

    def keep_and_interrupt(self, trainer, pl_module) -> None:
        keep(self, trainer, pl_module)
        if trainer.current_epoch + 1 == epoch:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Keep, "on_train_epoch_end", keep_and_interrupt)
        with pytest.raises(KeyboardInterrupt):
            execute(job)


def weights(job) -> dict:
    return torch.load(job.folder / "ckpt" / "last.ckpt", weights_only=True)["state_dict"]


def same(first, second) -> None:
    assert all(first[1][part] == second[1][part] for part in MEASURED)
    ours, theirs = weights(first[0]), weights(second[0])
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_stopped_and_resumed_run_is_bitwise_identical(uninterrupted, tmp_path, monkeypatch):
    job = replace(uninterrupted[0], outputs=str(tmp_path))
    interrupt_after(job, 2, monkeypatch)
    assert not (job.folder / "result.json").exists()
    interrupt_after(job, 4, monkeypatch)
    again = execute(job)
    assert again["resumed"] == [3, 5], "the run must stop at the end of the epoch after the signal"
    assert 0 < again["before_s"] < again["wall_s"]
    same(uninterrupted, (job, again))
    assert (job.folder / "metrics.csv").read_bytes() == (uninterrupted[0].folder / "metrics.csv").read_bytes()


def dies_at(job, name: str, call: int) -> None:
    """Execute a run in a process that the kernel kills at its `call`-th call of a function of `os`."""
    real, calls = getattr(os, name), itertools.count(1)

    def counted(*arguments, **keywords):
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **keywords)

    setattr(os, name, counted)
    execute(job)


@pytest.mark.slow
def test_a_run_killed_at_any_moment_and_resumed_is_bitwise_identical(uninterrupted, tmp_path):
    """One run is killed repeatedly while it writes: before a file is synced to disk, or before it gets its final name."""
    job = replace(uninterrupted[0], outputs=str(tmp_path))
    context = fork_server.start()
    for moment in (("fsync", 5), ("replace", 7), ("fsync", 12), ("replace", 4), ("symlink", 1), ("unlink", 2)):
        process = context.Process(target=dies_at, args=(job, *moment))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL, f"the run ended before {moment}"
    outcome = execute(job)
    assert outcome["resumed"], "at least one kill must come after the first checkpoint"
    same(uninterrupted, (job, outcome))
    left = {path.name for path in (job.folder / "ckpt").iterdir()}
    assert {name for name in left if not name.startswith(".")} == {
        path.name for path in (uninterrupted[0].folder / "ckpt").iterdir()
    }


def test_a_metric_that_watches_training_is_resumed_too(tmp_path, monkeypatch):
    words = (*QUICK, "metric=[firing_rate_by_iteration]", "metric.firing_rate_by_iteration.iterations=12")
    whole = replace(composed(*words), outputs=str(tmp_path / "whole"))
    expected = execute(whole)
    job = replace(whole, outputs=str(tmp_path / "parts"))
    interrupt_after(job, 1, monkeypatch)
    again = execute(job)
    assert again["resumed"] == [2]
    same((whole, expected), (job, again))
    assert len(again["layers"]["firing_rate_by_iteration"]["train"]["stages.sn1"]) == 12


def test_a_damaged_checkpoint_is_renamed_and_the_previous_one_is_used(uninterrupted, tmp_path, capsys, monkeypatch):
    job = replace(uninterrupted[0], outputs=str(tmp_path))
    interrupt_after(job, 3, monkeypatch)
    newest, before, *_ = checkpoint.epochs(job.folder / "ckpt")
    path = checkpoint.path_of(job.folder / "ckpt", newest)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    again = execute(job)
    assert again["resumed"] == [before]
    assert path.with_suffix(".corrupt").exists()
    assert f"epoch={newest}.ckpt must be" in capsys.readouterr().out
    same(uninterrupted, (job, again))


@pytest.mark.parametrize("both", [False, True], ids=["one", "both"])
def test_a_damaged_best_checkpoint_is_restored_from_its_copy(tmp_path, both):
    """The best epoch is 2 of 5, and all later checkpoints refer to it; if its copy is damaged too, none can be used."""
    keep = Keep(tmp_path, "me", {})
    for epoch in (2, 4, 5):
        state = {keep.state_key: {"best_epoch": 2}}
        Checkpoints("me", {}).save_checkpoint({"callbacks": state, "epoch": epoch - 1}, path_of(tmp_path, epoch))
    whole = path_of(tmp_path, 2).read_bytes()
    (tmp_path / "best.ckpt").write_bytes(b"" if both else whole)
    path_of(tmp_path, 2).write_bytes(whole[:-40])
    found, complaints = keep.resume_from()
    if both:
        assert (found, len(complaints)) == (None, 3)
    else:
        assert (found.name, complaints) == ("epoch=5.ckpt", [])
        assert path_of(tmp_path, 2).read_bytes() == whole


def test_a_diverged_run_keeps_its_last_checkpoint_with_finite_weights(tmp_path, monkeypatch):
    job = replace(composed(*QUICK), outputs=str(tmp_path))
    keep = Keep.on_train_epoch_end

    def keep_and_spoil(self, trainer, pl_module) -> None:
        keep(self, trainer, pl_module)
        if trainer.current_epoch + 1 == 2:
            pl_module.backbone.out.weight.data.fill_(float("nan"))

    monkeypatch.setattr(Keep, "on_train_epoch_end", keep_and_spoil)
    result = execute(job)
    assert result["status"] == "diverged"
    assert (
        "in epoch 3, first layer that is not finite: backbone.out (Linear, weight is not finite)" in result["error"]["message"]
    )
    last = torch.load(job.folder / "ckpt" / "last.ckpt", weights_only=True)
    assert last["epoch"] == 1
    assert all(bool(value.isfinite().all()) for value in last["state_dict"].values())


def test_force_deletes_old_results_only_once(uninterrupted, tmp_path, monkeypatch):
    """`force` deletes what was there before the run, but not the checkpoints of the forced run itself when it is resumed."""
    job = replace(uninterrupted[0], outputs=str(tmp_path))
    execute(job)
    forced = history.start_over_if_forced(replace(job, config={**job.config, "force": True}))
    assert not list((job.folder / "ckpt").iterdir())
    assert result_file.read(job.folder) is None
    interrupt_after(forced, 2, monkeypatch)
    assert execute(forced)["resumed"] == [3]


def test_only_the_last_and_the_best_checkpoint_are_kept(uninterrupted):
    job, result = uninterrupted
    folder = job.folder / "ckpt"
    kept = {f"epoch={epoch}.ckpt" for epoch in (6, result["metrics"]["best_epoch"])}
    assert {path.name for path in folder.iterdir()} == kept | {"best.ckpt", "last.ckpt"}
    best = folder / f"epoch={result['metrics']['best_epoch']}.ckpt"
    assert (folder / "best.ckpt").read_bytes() == best.read_bytes()
    assert os.readlink(folder / "last.ckpt") == "epoch=6.ckpt"
    found, complaints = Keep(folder, job.id, {}).resume_from()
    assert (found.name, complaints) == ("epoch=6.ckpt", [])

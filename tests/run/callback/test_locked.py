"""A run whose lock is removed while it trains ends before it writes the epoch."""

import csv
from dataclasses import replace

import pytest
from composing import composed

from snnx.record import result_file, run_folder
from snnx.run.callback.keep import Keep
from snnx.run.execute import execute

QUICK = ("timesteps=2", "trainer.max_epochs=4", "budget.samples=0.1", "trainer.accelerator=cpu")


def after_epoch_2(monkeypatch, act) -> None:
    """Do something when the checkpoint of the second epoch has been written."""
    keep = Keep.on_train_epoch_end

    def keep_and_act(self, trainer, pl_module) -> None:
        keep(self, trainer, pl_module)
        if trainer.current_epoch + 1 == 2:
            act()

    monkeypatch.setattr(Keep, "on_train_epoch_end", keep_and_act)


def test_the_next_epoch_is_not_written_and_the_run_fails(tmp_path, monkeypatch):
    job = replace(composed(*QUICK), outputs=str(tmp_path))
    after_epoch_2(monkeypatch, (job.folder / ".lock").unlink)
    outcome = execute(job)
    assert outcome["status"] == "failed"
    assert outcome["error"]["message"].endswith(".lock must not be removed while its run is active; it was removed")
    assert result_file.read(job.folder)["error"] == outcome["error"]
    with open(job.folder / "metrics.csv", newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]
    monkeypatch.undo()
    assert execute(job)["resumed"] == [2]


def test_nothing_is_written_if_another_process_has_taken_the_run(tmp_path, monkeypatch):
    job = replace(composed(*QUICK), outputs=str(tmp_path))
    others = []

    def take() -> None:
        (job.folder / ".lock").unlink()
        others.append(run_folder.hold(job.folder))
        others[0].__enter__()
        (job.folder / ".lock").write_text("process 1 on another machine")

    after_epoch_2(monkeypatch, take)
    with pytest.raises(run_folder.Busy, match="is being computed by process 1 on another machine"):
        execute(job)
    others[0].__exit__(None, None, None)
    assert not (job.folder / "result.json").exists()

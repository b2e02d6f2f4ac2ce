"""A run with two processes on a CPU: how batches are divided, which process writes, and what happens if one dies."""

import json
import threading
import time
from dataclasses import replace
from multiprocessing import active_children

import pytest
import torch
from composing import composed

from snnx.dataset.batches import Batches
from snnx.run import ddp, execute
from snnx.sweep import pool

QUICK = ["neuron=if", "trainer.max_epochs=2", "budget.samples=0.2", "timesteps=2", "trainer.accelerator=cpu"]


@pytest.mark.parametrize("size", [7, 8, 9, 12])
def test_processes_divide_every_batch(size):
    images, labels = torch.zeros(size, 1, 2, 2), torch.arange(size)
    order = torch.randperm(size, generator=torch.Generator().manual_seed(0))
    parts = [
        list(Batches(images, labels, batch_size=4, order=lambda: order, drop_single=True, share=(rank, 2))) for rank in (0, 1)
    ]
    whole = list(Batches(images, labels, batch_size=4, order=lambda: order))
    assert len(parts[0]) == len(parts[1]) == {7: 1, 8: 2, 9: 2, 12: 3}[size], "a last batch under 2 samples each is left out"
    for (_, first), (_, second), (_, both) in zip(*parts, whole, strict=False):
        assert sorted([*first.tolist(), *second.tolist()]) == sorted(both.tolist())
        assert len(first) >= 2
        assert len(second) >= 2


def test_a_batch_size_below_the_number_of_processes_is_rejected():
    with pytest.raises(ValueError, match="Batches: batch_size must be at least 4, the number of processes; got 3"):
        Batches(torch.zeros(8, 1), torch.zeros(8), batch_size=3, share=(0, 4))


@pytest.mark.slow
def test_two_processes_train_as_one_does(tmp_path):
    """Without batch norm, the gradient of a divided batch equals that of the whole, so the curves agree except for rounding."""
    line = [*QUICK, "backbone=mlp"]
    one = replace(composed(*line), outputs=str(tmp_path / "one"))
    two = replace(composed(*line, "trainer=ddp", "trainer.max_epochs=2"), outputs=str(tmp_path / "two"))
    assert one.id != two.id, "runs on several devices need another identity: batch norm and noise depend on a process's part"
    (alone,), (shared,) = pool.run([one]), pool.run([two])
    assert (alone["status"], shared["status"]) == ("done", "done"), shared["error"]
    assert shared["metrics"].keys() == alone["metrics"].keys()
    assert shared["curves"]["train/loss"] == pytest.approx(alone["curves"]["train/loss"], rel=0.02)
    assert shared["data"] == alone["data"]
    names = {path.name for path in two.folder.iterdir()}
    assert names == {path.name for path in one.folder.iterdir()}
    assert len((two.folder / "metrics.csv").read_text().splitlines()) == 3
    assert (two.folder / "run.log").read_text().count("Traceback") == 0


@pytest.mark.slow
def test_a_done_run_starts_no_process(tmp_path):
    job = replace(composed(*QUICK, "trainer=ddp", "trainer.max_epochs=2"), outputs=str(tmp_path))
    first = pool.run([job])[0]
    log = (job.folder / "run.log").read_text()
    assert first["status"] == "done", first["error"]
    assert execute.execute(job)["started"] == first["started"]
    assert (job.folder / "run.log").read_text() == log
    assert ddp.local_rank() == 0


@pytest.mark.slow
def test_a_process_that_dies_fails_the_run(tmp_path):
    """The first process must not wait forever for a process that has died."""
    job = replace(composed(*QUICK, "trainer=ddp", "trainer.max_epochs=500"), outputs=str(tmp_path))

    before = set(active_children())

    def kill() -> None:
        while not (job.folder / "metrics.csv").exists():
            time.sleep(0.05)
        (other,) = set(active_children()) - before
        other.kill()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    outcome = execute.execute(job)
    killer.join()
    assert outcome["status"] == "failed"
    assert outcome["error"]["message"] == "process 2 of 2 died while training; its output is in run.log"
    assert set(active_children()) <= before


@pytest.mark.slow
def test_a_run_on_two_processes_that_diverges_has_the_status_diverged(tmp_path):
    job = replace(composed(*QUICK, "trainer=ddp", "optimizer.lr=1e30"), outputs=str(tmp_path))
    (outcome,) = pool.run([job])
    assert outcome["status"] == "diverged", json.dumps(outcome["error"])

"""A run of several devices and machines is evaluated, replayed and measured by one process."""

from dataclasses import replace

from composing import composed
from finished import finished

from snnx.run.rebuild import rebuild
from snnx.run.replay import built
from snnx.sweep.plan.measure import measure

SEVERAL = ("trainer=ddp", "trainer.num_nodes=2", "trainer.accelerator=cpu", "timesteps=2", "budget.samples=0.2")


def test_a_finished_run_of_two_machines_is_rebuilt_for_one_process(tmp_path):
    folder, _ = finished(tmp_path, "trainer=ddp", "trainer.devices=1", "trainer.strategy=auto", "trainer.max_epochs=0")
    trainer = rebuild(folder, ["trainer.num_nodes=2", "trainer.devices=2"]).trainer
    assert (trainer.num_nodes, trainer.world_size) == (1, 1)


def test_a_run_of_two_machines_is_replayed_in_one_process():
    _, _, trainer = built(composed(*SEVERAL).config)
    assert (trainer.num_nodes, trainer.world_size) == (1, 1)


def test_a_run_of_two_machines_is_measured_in_one_process(tmp_path):
    """Lightning would wait for the other machine for half an hour."""
    cost = measure(replace(composed(*SEVERAL), outputs=str(tmp_path)), 1)
    assert cost.step_s > 0

"""Whole runs on a pretended GPU: how often each batch waits for the card, what a plan measures, and a change of devices.

In a training on a card the host waits

- for the loss at the batches 1, 51, 101, ... and the last of an epoch, to stop a run that has diverged;
- once after each of the batches 1, 2, 4, 8, ... of an epoch while a layer has not fired, to watch it no longer once it has;
- in no other step, with all callbacks of a run. The ten first losses stay on the card until the first checkpoint reads them.

What happens between two epochs, such as the checkpoint, waits a number of times that does not depend on the number of batches.
"""

import signal
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from math import isfinite
from types import SimpleNamespace

import pytest
import torch
from composing import composed
from gpu_steps import WATCHING, count_steps, looked_at
from pretended_gpu import CUDA, PEAK_MB, Seen, pretended_gpu
from pytorch_lightning.loops.training_epoch_loop import _TrainingEpochLoop

from snnx.method.finite import Diverged
from snnx.metric.recorder import Recorder
from snnx.run.build import build_data, build_method
from snnx.run.callback import progress
from snnx.run.execute import execute
from snnx.sweep.plan import measure as plan

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is not pretended where there is one"),
    pytest.mark.filterwarnings("ignore:Triton does not work"),
]
MLP = ("backbone=mlp", "timesteps=2", "trainer.max_epochs=2", "dataset.batch_size=16", "neuron.v_threshold=0.1")


def on(accelerator, outputs, *words):
    given = {**dict(word.split("=", 1) for word in (*MLP, *words)), "trainer.accelerator": accelerator}
    return replace(composed(*(f"{key}={value}" for key, value in given.items())), outputs=str(outputs))


def done(job):
    result = execute(job)
    assert result["status"] == "done", result["error"]["traceback"]
    return result


@pytest.mark.parametrize("silent", [False, True], ids=["spikes", "silent"])
def test_with_all_callbacks_a_step_waits_only_where_something_is_looked_at(silent, tmp_path, card, monkeypatch):
    monkeypatch.setattr(progress, "EVERY_S", 0.0)  # so that the progress is written in each step
    steps = count_steps(card, monkeypatch)
    result = done(on("cuda", tmp_path, f"neuron.v_threshold={1000 if silent else 0.1}"))
    assert steps.watching == WATCHING
    assert ("layers.sn1 did not fire in epoch 1" in result["warnings"]) == silent
    assert len(result["first_losses"]) == 10
    watched = {1, 2, 4, 8, 16, 32, 64} if silent else {1}
    for epoch in (0, 1):
        batches = steps.waits[epoch, "train"]
        assert len(batches) > 60
        for place, waits in enumerate(batches):
            assert waits.total() <= looked_at(place, len(batches)) + (place + 1 in watched), (place, waits)
    validations = steps.waits[1, "validate"]
    assert len(validations) > 4
    assert all(waits.total() <= looked_at(place, len(validations)) for place, waits in enumerate(validations))
    tests = steps.waits[2, "test"][: -(-result["data"]["test"] // 16)]  # a second test may follow, of the best epoch
    for place, waits in enumerate(tests[2:], 2):  # the first two have a correctly and a wrongly classified sample
        assert waits.total() <= looked_at(place, len(tests)) + (place + 1 in watched), (place, waits)


def test_in_a_test_a_card_is_waited_for_at_the_first_and_the_last_batch(tmp_path, card, monkeypatch):
    """At the first for the loss, the examples of correctly and wrongly classified samples, and whether any layer fired."""
    steps = count_steps(card, monkeypatch)
    result = done(on("cuda", tmp_path, "dataset.batch_size=32"))
    assert None not in result["samples"].values()
    first, *others, last = steps.waits[2, "test"]
    assert first.total() <= 3
    assert len(others) > 5
    assert Counter() in others
    assert sum(others, Counter()) == Counter()
    assert last.total() <= 1


@pytest.mark.parametrize("words", [("backbone=spikformer", "backbone.depth=1"), ("backbone=convnet",)], ids=str)
def test_energy_waits_once_for_each_layer_that_reads_spikes(words, card):
    """It waits for the kind of the input, spikes or values, and for that of each layer, binary or graded spikes."""
    job = composed("metric=[energy]", "scale=smoke", *words)
    data = build_data(job.config)
    method = build_method(job.config, data).to(CUDA).eval()
    method.trainer = SimpleNamespace(num_test_batches=[9])
    images = torch.rand(4, *data.sample_shape).to(CUDA)
    with torch.no_grad():
        labels = (method(images).argmax(1) + torch.tensor([0, 1, 0, 1]).to(CUDA)) % data.classes  # every second one is wrong
    layers = sum(isinstance(module, torch.nn.Conv2d | torch.nn.Linear) for module in method.backbone.modules())
    with torch.no_grad(), Recorder(method.backbone, list(method.metrics.values()), method.watch, method.encoding) as recorder:
        method.recorder = recorder
        for place in range(3):
            card.forget()
            method.test_step((images, labels), place)
        assert card.waits.total() <= layers, card.waits  # the first layer reads values
        assert isfinite(recorder.scalars()["test/energy_synops"])


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("part", ["val", "test"])
def test_a_loss_that_is_not_finite_is_found_at_the_last_batch_at_the_latest(part, device):
    with pretended_gpu() if device == "cuda" else nullcontext():
        job = composed("backbone=mlp", "timesteps=2")
        data = build_data(job.config)
        method = build_method(job.config, data).to(device)
        method.trainer = SimpleNamespace(num_val_batches=[4], num_test_batches=[4], current_epoch=0)
        step = method.validation_step if part == "val" else method.test_step
        labels = torch.tensor([0, 1]).to(device)
        images, (*_, bias) = torch.rand(2, *data.sample_shape).to(device), method.backbone.parameters()
        last, raises = 1 if device == "cpu" else 3, pytest.raises(Diverged, match=f"{part} loss must stay finite; got nan")
        with torch.no_grad():
            for place, value in enumerate((0.0, torch.nan, 0.0, 0.0)[: last + 1]):
                bias.fill_(value)
                with raises if place == last else nullcontext():
                    step((images, labels), place)


def test_the_result_says_how_much_memory_of_the_card_was_used(tmp_path, card):
    result = done(on("cuda", tmp_path, "trainer.max_epochs=1", "budget.samples=0.1"))
    assert result["gpu_peak_memory_mb"] == PEAK_MB
    assert result["device"].startswith("cuda (a pretended card)")


def test_a_plan_measures_on_the_card(tmp_path, card, monkeypatch):
    """Each time is taken when the card has finished; afterwards operations are counted where Lightning has left the network."""
    monkeypatch.setattr(plan, "ENOUGH_S", 0.0)
    cost = plan.measure(on("cuda", tmp_path), threads=1)
    assert min(cost.steps) > plan.WARM + plan.FEWEST
    assert card.synchronized == 3 * (plan.WARM + plan.FEWEST + 1)  # of training, validation and test
    assert cost.gpu_peak_mb == PEAK_MB
    assert cost.synops > 0


@pytest.mark.parametrize(("before", "after"), [("cpu", "cuda"), ("cuda", "cpu")])
def test_a_run_continues_on_another_device(before, after, tmp_path, monkeypatch):
    """With the optimizer's moments on the new device, and with losses as on the old one up to rounding."""

    def run(device, outputs):
        with pretended_gpu() if device == "cuda" else nullcontext() as seen, monkeypatch.context() as patched:
            steps = count_steps(seen or Seen(), patched)
            return done(on(device, outputs, "budget.samples=0.3")), steps.moments_on

    whole, _ = run(before, tmp_path / "whole")
    with monkeypatch.context() as patched:
        train = _TrainingEpochLoop.advance
        patched.setattr(_TrainingEpochLoop, "advance", lambda *given: (train(*given), signal.raise_signal(signal.SIGTERM)))
        with pytest.raises(KeyboardInterrupt):
            run(before, tmp_path)
    continued, moments_on = run(after, tmp_path)
    assert continued["resumed"] == [1]
    assert continued["hash"] == whole["hash"]
    assert continued["device"].startswith(after)
    assert moments_on == {1: {after}}
    for key in ("train/loss", "val/acc"):
        assert continued["curves"][key] == pytest.approx(whole["curves"][key], rel=1e-3)

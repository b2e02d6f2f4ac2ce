"""A training step for which the GPU has not enough memory ends the run with the batch size that fits."""

from weakref import WeakSet

import pytest
import torch
from composing import composed

from snnx.backbone.mlp import MLP
from snnx.run.execute import execute

WORDS = (
    "backbone=mlp",
    "timesteps=2",
    "trainer.max_epochs=1",
    "budget.samples=0.1",
    "trainer.accelerator=cpu",
    "dataset.batch_size=32",
)


HERE = "the memory of cpu must be enough for"


class Card:
    """A memory with room for the activations of `room` samples."""

    def __init__(self, room):
        self.room, self.held = room, WeakSet()

    def take(self, samples):
        taken = torch.empty(samples)
        if samples + sum(map(len, self.held)) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.held.add(taken)
        return taken


def failed(tmp_path, monkeypatch, *words):
    monkeypatch.chdir(tmp_path)
    result = execute(composed(*WORDS, *words))
    assert result["status"] == "failed"
    assert result["error"]["type"] == "OutOfMemoryError"
    return result["error"]["message"]


@pytest.mark.parametrize(
    ("room", "found"),
    [
        (10, "got 32, and 10 is the largest that fits: set dataset.batch_size=10, or lower budget.width or timesteps"),
        (0, "got 32, and not even a step with 1 fits: lower budget.width or timesteps"),
    ],
)
def test_the_largest_batch_size_that_fits_is_named(room, found, tmp_path, monkeypatch):
    """The memory of the step that failed is free during the trials, though its traceback is still there."""
    forward, card = MLP.forward, Card(room)

    def limited(self, x):
        first = [card.take(1) for _ in range(min(room, x.shape[1]))]
        others = card.take(x.shape[1] - len(first))
        return forward(self, x) + 0 * (len(first) + len(others))

    monkeypatch.setattr(MLP, "forward", limited)
    assert failed(tmp_path, monkeypatch) == f"{HERE} dataset.batch_size; {found}"


def test_a_trial_contains_a_step_of_the_optimizer(tmp_path, monkeypatch):
    forward, step, sizes = MLP.forward, torch.optim.AdamW.step, []

    def seen(self, x):
        sizes.append(x.shape[1])
        return forward(self, x)

    def limited(self, closure=None):
        loss = closure() if closure else None
        if sizes[-1] > 7:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        step(self)
        return loss

    monkeypatch.setattr(MLP, "forward", seen)
    monkeypatch.setattr(torch.optim.AdamW, "step", limited)
    assert "7 is the largest that fits" in failed(tmp_path, monkeypatch, "optimizer=adamw")


def test_a_test_that_does_not_fit_says_so(tmp_path, monkeypatch):
    forward = MLP.forward

    def limited(self, x):
        if not torch.is_grad_enabled():
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return forward(self, x)

    monkeypatch.setattr(MLP, "forward", limited)
    found = failed(tmp_path, monkeypatch, "dataset.validation=0")
    wanted = "dataset.batch_size; got 30, with which the training fits: choose fewer metrics or lower dataset.batch_size"
    assert found == f"{HERE} a test with {wanted}"

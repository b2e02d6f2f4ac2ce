"""A training step for which the GPU has not enough memory ends the run with the batch size that fits."""

import pytest
import torch
from composing import composed

from snnx.backbone.mlp import MLP
from snnx.run.run import execute

WORDS = (
    "backbone=mlp",
    "timesteps=2",
    "trainer.max_epochs=1",
    "budget.samples=0.1",
    "trainer.accelerator=cpu",
    "dataset.batch_size=32",
)


@pytest.mark.parametrize(
    ("room", "found"),
    [
        (10, "got 32, and a step with 8 fits: set dataset.batch_size=8, or lower budget.width or timesteps"),
        (0, "got 32, and not even a step with 1 fits: lower budget.width or timesteps"),
    ],
)
def test_the_batch_size_that_fits_is_named(room, found, tmp_path, monkeypatch):
    """As on a card with room for `room` samples."""
    forward = MLP.forward

    def limited(self, x):
        if x.shape[1] > room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return forward(self, x)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(MLP, "forward", limited)
    result = execute(composed(*WORDS))
    assert result["status"] == "failed"
    assert result["error"]["type"] == "OutOfMemoryError"
    assert result["error"]["message"] == f"the memory of cpu must be enough for dataset.batch_size; {found}"

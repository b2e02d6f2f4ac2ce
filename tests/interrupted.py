"""Trains a run twice, without interruptions and with one in each epoch but the first, and compares the results."""

from pathlib import Path

import pytest
import torch

from snnx.method.base import Method
from snnx.record.job import Job
from snnx.run.execute import execute


def goes_on(job: Job, method: type[Method], epochs: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict, dict]:
    """Assert that both trainings have the same curves, answers and weights, bit for bit; return the result and the weights."""
    whole, parts = folder / "whole", folder / "parts"
    for place in (whole, parts):
        place.mkdir()
    monkeypatch.chdir(whole)
    wanted = execute(job)
    assert wanted["status"] == "done", wanted["error"]
    monkeypatch.chdir(parts)
    begin = method.on_train_epoch_start

    def until(epoch):
        def interrupted(trained):
            if trained.current_epoch == epoch:
                raise KeyboardInterrupt
            begin(trained)

        return interrupted

    for epoch in range(1, epochs):
        monkeypatch.setattr(method, "on_train_epoch_start", until(epoch))
        with pytest.raises(KeyboardInterrupt):
            execute(job)
    monkeypatch.setattr(method, "on_train_epoch_start", begin)
    found = execute(job)
    assert found["status"] == "done", found["error"]
    assert found["resumed"] == [*range(1, epochs)]
    for key in ("metrics", "curves", "layers", "answers"):
        assert found[key] == wanted[key], key
    last = job.folder / "ckpt" / f"epoch={epochs}.ckpt"
    weights, others = (torch.load(place / last, weights_only=True)["state_dict"] for place in (whole, parts))
    assert weights.keys() == others.keys()
    assert all(torch.equal(value, others[name]) for name, value in weights.items())
    return wanted, weights

"""Warnings during a training are printed once, and are in the result and the checkpoints."""

from functools import partial
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from finished import finished
from torch import nn

from snnx.augmentation.none import none
from snnx.dataset.digits import Digits
from snnx.decoding.mean_logits import MeanLogits
from snnx.encoding.repeat import Repeat
from snnx.method.direct import Direct
from snnx.neuron.lif import LIF
from snnx.record.summary import SILENT
from snnx.run.callback.warn import Warn
from snnx.scheduler.constant import Constant


def test_a_network_that_learns_gives_no_warning(tmp_path, capsys):
    _, result = finished(tmp_path, "neuron.v_threshold=0.1")
    assert result["warnings"] == []
    assert "warning" not in capsys.readouterr().out


@pytest.mark.parametrize("words", [["method=conversion", "metric=[]"], ["neuron=relu", "timesteps=1", "metric=[]"]])
def test_a_training_without_spikes_gives_no_warning(tmp_path, words):
    assert finished(tmp_path, *words)[1]["warnings"] == []


def test_silent_layers_are_named_once_and_stay_in_result_and_checkpoint(tmp_path, capsys):
    folder, result = finished(tmp_path, "neuron.v_threshold=1000", "trainer.max_epochs=3")
    silent = ["stages.sn1 did not fire in epoch 1", "stages.sn2 did not fire in epoch 1"]
    assert result["warnings"][:2] == silent
    out = capsys.readouterr().out
    assert [out.count(f"snnx: warning: {text}\n") for text in result["warnings"]] == [1] * len(result["warnings"])
    (state,) = (
        value
        for key, value in torch.load(folder / "ckpt" / "epoch=3.ckpt", weights_only=True)["callbacks"].items()
        if key.startswith("Warn")
    )
    assert [*state["found"], SILENT] == result["warnings"]


class Network(nn.Module):
    """A layer of neurons and a readout that never learns, since its weights are 0 and the learning rate is 0."""

    def __init__(self, neuron, in_shape, classes, width, bias) -> None:
        super().__init__()
        self.sn, self.readout = neuron(), nn.Linear(64, classes)
        nn.init.zeros_(self.readout.weight)
        self.readout.bias = nn.Parameter(torch.linspace(0, bias, classes))

    def forward(self, x):
        return self.readout(self.sn(x.flatten(2)))


def train(warn: Warn, epochs: int, folder: Path, bias: float = 0.0) -> list[str]:
    """Train for some epochs on a few digits, and return all warnings."""
    data = Digits(batch_size=64, validation=0.1, normalize=False, augmentation=none, seed=0, samples=0.1)
    method = Direct(
        encoding=partial(Repeat, timesteps=2), neuron=partial(LIF, v_threshold=0.1), backbone=partial(Network, bias=bias),
        decoding=MeanLogits(), loss=nn.CrossEntropyLoss(), metric={}, optimizer=partial(torch.optim.SGD, lr=0.0),
        scheduler=Constant, in_shape=(1, 8, 8), classes=10,
    )  # fmt: skip
    trainer = pl.Trainer(
        max_epochs=epochs, accelerator="cpu", callbacks=[warn], logger=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, default_root_dir=folder, log_every_n_steps=1,
    )  # fmt: skip
    trainer.fit(method, datamodule=data)
    assert not method.decoding._forward_hooks
    assert not method.backbone.sn._forward_hooks
    return warn.found


@pytest.mark.filterwarnings("ignore:.*isinstance.treespec")
def test_tied_scores_and_a_loss_of_log_k(tmp_path):
    first = Warn()
    tied = "in epoch 1, every sample had the same score for all classes"
    assert train(first, 1, tmp_path) == [tied]
    resumed = Warn()
    resumed.load_state_dict(first.state_dict())
    log_k = "the training loss was log 10 = 2.303, the loss of equal scores, for 2 epochs up to epoch"
    assert train(resumed, 2, tmp_path) == [tied, f"{log_k} 1"]  # the epoch before is that of the first training
    assert train(Warn(), 3, tmp_path) == [tied, f"{log_k} 2"]


@pytest.mark.filterwarnings("ignore:.*isinstance.treespec")
def test_scores_that_differ_and_a_loss_that_is_not_log_k_give_no_warning(tmp_path):
    assert train(Warn(), 3, tmp_path, bias=1.0) == []

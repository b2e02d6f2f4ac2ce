"""Warnings during a training are printed once, and are in the result and the checkpoints."""

import re
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from composing import configuration
from finished import finished
from pipelines import PIPELINES, built
from spikingjelly.activation_based.neuron import LIAFNode
from torch import nn

from snnx.augmentation.none import none
from snnx.backbone.convnet import ConvNet
from snnx.dataset.digits import Digits
from snnx.decoding.mean_logits import MeanLogits
from snnx.encoding.repeat import Repeat
from snnx.method.direct import Direct
from snnx.neuron.cautions import cautions
from snnx.neuron.ilif import ILIF
from snnx.neuron.kernel.find import definition_only
from snnx.neuron.lif import LIF
from snnx.record.summary import SILENT
from snnx.run.callback.warn import Warn
from snnx.run.component import component
from snnx.scheduler.constant import Constant
from snnx.testing.random_images import CLASSES, SHAPE


def test_a_network_that_learns_gives_no_warning(tmp_path, capsys):
    _, result = finished(tmp_path, "neuron.v_threshold=0.1")
    assert result["warnings"] == []
    assert "warning" not in capsys.readouterr().out


@pytest.mark.parametrize("words", [["method=conversion", "metric=[]"], ["neuron=relu", "timesteps=1", "metric=[]"]])
def test_a_training_without_spikes_gives_no_warning(tmp_path, words):
    assert finished(tmp_path, *words)[1]["warnings"] == []


def test_neurons_that_are_not_what_they_seem_are_named_before_the_first_batch(tmp_path, capsys):
    words = ["neuron=tssl", "timesteps=5", "metric=[]", "trainer.max_epochs=1"]
    first = finished(tmp_path, *words)[1]["warnings"][0]
    assert first == (
        "TSSL is TSSL-BP only in a network without norm, bias and maximum pooling; "
        "got Batch in stages.conv1.1, and 2 more: see recipe=tsslbp_cifar10"
    )
    assert f"snnx: warning: {first}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("neuron", "line"),
    [
        (
            partial(LIAFNode, act=torch.tanh, threshold_related=False, step_mode="m"),
            "LIAFNode emits no spikes (stages.sn1, and 1 more), so metrics of spikes do not count it",
        ),
        (partial(LIF, tau=2.0), None),
    ],
)
def test_neurons_that_emit_no_spikes_are_named(neuron, line):
    network = ConvNet(neuron=neuron, in_shape=SHAPE, classes=CLASSES)
    assert cautions(network) == ([line] if line else [])


def test_a_network_of_tssl_bp_gives_no_caution():
    config = configuration("neuron=tssl", "backbone=chain", "backbone.layers=[4,A]", "backbone.norm=false",
                           "backbone.bias=false", "backbone.votes=1")  # fmt: skip
    network = component(config, "backbone")(neuron=component(config, "neuron"), in_shape=SHAPE, classes=CLASSES)
    assert cautions(network) == []


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


FINE_TUNED = ["method=fine_tuned", "neuron=lif_learned", "metric=[]", "dataset.validation=0", "trainer.max_epochs=2"]


def test_spiking_layers_are_watched_only_in_the_stage_that_trains_them(tmp_path):
    """The first epoch trains the ReLU network, where spiking layers cannot fire and their parameters get no gradient."""
    assert finished(tmp_path / "good", *FINE_TUNED)[1]["warnings"] == []
    silent = finished(tmp_path / "silent", *FINE_TUNED, "method.scaling=1000")[1]["warnings"]
    assert silent[:2] == ["stages.sn1 did not fire in epoch 2", "stages.sn2 did not fire in epoch 2"]


class Network(nn.Module):
    """A layer of neurons and a readout that never learns, since its weights are 0 and the learning rate is 0."""

    def __init__(self, neuron, in_shape, classes, width, bias) -> None:
        super().__init__()
        self.sn, self.readout = neuron(), nn.Linear(64, classes)
        nn.init.zeros_(self.readout.weight)
        self.readout.bias = nn.Parameter(torch.linspace(0, bias, classes))

    def forward(self, x):
        return self.readout(self.sn(x.flatten(2)))


class Swapped(LIF):
    """It returns the spikes as the potential."""

    def step(self, x, state):
        h, s, state = super().step(x, state)
        return s, h, state


class Halves(LIF):
    def fire(self, h, state):
        return super().fire(h, state) / 2


class Hard(LIF):
    """Its spikes have no gradient."""

    def step(self, x, state):
        h = self.charge(x, state.v)
        s = (h >= self.v_threshold).float()
        return h, s, self.State(self.discharge(h, s))


def train(warn: Warn, epochs: int, folder: Path, bias: float = 0.0, network=Network, neuron=LIF) -> list[str]:
    """Train for some epochs on a few digits, and return all warnings."""
    data = Digits(batch_size=64, validation=0.1, normalize=False, augmentation=none, seed=0, samples=0.1)
    method = Direct(
        encoding=partial(Repeat, timesteps=2), neuron=partial(neuron, v_threshold=0.1), backbone=partial(network, bias=bias),
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


class Deep(Network):
    """A layer in front of the neurons learns, and so does the readout."""

    def __init__(self, neuron, in_shape, classes, width, bias) -> None:
        super().__init__(neuron, in_shape, classes, width, bias)
        self.first = nn.Linear(64, 64)
        nn.init.eye_(self.readout.weight)

    def forward(self, x):
        return self.readout(self.sn(self.first(x.flatten(2))))


ORDER = "step must return h, s and the new State, in this order"


@pytest.mark.filterwarnings("ignore:.*isinstance.treespec")
@pytest.mark.parametrize(
    ("neuron", "warning"),
    [
        (Swapped, rf"sn emitted -?\d+\.\d+, but spikes must be 0 or 1: {ORDER}"),
        (Halves, "sn emitted 0.5, but spikes must be 0 or 1"),
        (LIF, None),
        (ILIF, None),
    ],
)
def test_a_layer_that_emits_other_values_than_spikes_is_named(tmp_path, neuron, warning):
    torch.manual_seed(0)
    found = train(Warn(), 2, tmp_path, network=Deep, neuron=neuron)
    assert len(found) == (warning is not None)
    assert warning is None or re.fullmatch(warning, found[0])


@pytest.mark.filterwarnings("ignore:.*isinstance.treespec")
@pytest.mark.parametrize("fused", [True, False])
def test_parameters_without_a_gradient_are_named(tmp_path, fused):
    torch.manual_seed(0)
    with nullcontext() if fused else definition_only():
        found = train(Warn(), 2, tmp_path, network=Deep, neuron=Hard)
    assert found == [
        "the loss gives no gradient to 2 parameters, such as first.weight, so they do not learn; in a neuron's step, spikes "
        "must come from self.fire(h, state)"
    ]


@pytest.mark.parametrize("name", PIPELINES)
def test_shipped_pipelines_emit_spikes_and_give_every_parameter_a_gradient(name):
    """Of several stages, only the first is seen here; a method that changes the weights itself has no backward pass."""
    torch.manual_seed(0)
    warn, method = Warn(), built(PIPELINES[name]).train()
    method.trainer = SimpleNamespace(
        num_training_batches=1, estimated_stepping_batches=1, max_epochs=1, current_epoch=0, world_size=1, global_step=0,
        is_global_zero=True,
    )  # fmt: skip
    warn.on_train_epoch_start(method.trainer, method)
    _, loss = method.scores_and_loss(torch.rand(9, *SHAPE), torch.arange(9) % CLASSES)
    loss.backward()
    warn.on_after_backward(method.trainer, method)
    warn.on_train_batch_end(method.trainer, method, None, None, 0)
    warn.on_exception(method.trainer, method, KeyboardInterrupt())
    assert warn.found == []

"""A configuration names components only: no loader, no writer, and nothing that a module has merely imported."""

import re

import pytest
import yaml
from composing import composed
from own_folder import write

from snnx.compose.check import check
from snnx.options.folders import shipped
from snnx.run.create import create
from snnx.run.signature import check_signatures, nodes
from snnx.run.target import KINDS, SEVERAL, target

SHIPPED = [
    (f"{path.parent.name}.{key}".rstrip("."), node["_target_"])
    for path in sorted(shipped("conf").glob("*/*.yaml"))
    for key, node in nodes(yaml.safe_load(path.read_text()))
]


@pytest.mark.parametrize(("path", "name"), SHIPPED)
def test_every_shipped_component_may_be_named(path, name):
    assert target(path, name).__name__ == name.rpartition(".")[2]


@pytest.mark.parametrize("group", sorted({*KINDS, "hydra", "sweep", "seed", "dataset.transforms", "trainer.callbacks"}))
@pytest.mark.parametrize(
    "name",
    [
        "torch.load",
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "numpy.load",
        "snnx.record.write.write",
        "snnx.record.write.Path",
        "snnx.record.checkpoint.load",
        "snnx.dataset.cifar.pickle.loads",
        "snnx.dataset.cifar.ArrayUnpickler",
        "snnx.dataset.event_camera.json.loads",
        "snnx.dataset.npz.read_npz",
        "snnx.backbone.weights.torch.load",
        "snnx.method.base.pl.Trainer",
        "snnx.logger.wandb.Path",
        "pytorch_lightning.core.saving.pl_load",
        "pytorch_lightning.callbacks.ModelCheckpoint",
        "pytorch_lightning.loggers.CSVLogger",
        "pytorch_lightning.LightningModule.load_from_checkpoint",
        "torch.nn.modules.module.torch.load",
        "torch.nn.Module.load_state_dict",
        "torch.optim.lr_scheduler.wraps",
        "torchmetrics.text.bert.BERTScore",
        "spikingjelly.activation_based.functional.load",
        "torch.nn",
        "torch",
        "",
        None,
        3,
    ],
)
def test_nothing_else_may_be_named_wherever_it_is(group, name):
    with pytest.raises(ValueError, match=f"^{group}"):
        target(group, name)
    with pytest.raises(ValueError, match=f"^{group}.inner.0"):
        target(f"{group}.inner.0", name)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("neuron", "snnx.backbone.vit.ViT"),
        ("neuron", "torch.optim.SGD"),
        ("loss", "snnx.method.direct.Direct"),
        ("optimizer", "torch.nn.ReLU"),
        ("trainer", "pytorch_lightning.LightningDataModule"),
        ("metric.energy", "snnx.metric.recorder.Recorder"),
        ("backbone", "torch.nn.init.kaiming_normal_"),
        ("init", "torch.nn.init.kaiming_normal_"),
        ("encoding.norm", "torch.nn.functional.relu"),
    ],
)
def test_a_component_of_another_group_may_not_be_named(path, name):
    with pytest.raises(ValueError, match=rf"^{re.escape(path)}\._target_ must be"):
        target(path, name)


@pytest.mark.parametrize(
    "words",
    [
        ["++optimizer.betas=[{_target_: torch.load, f: x},0.9]"],
        ["++optimizer.betas=[[0.9,{_target_: torch.load, f: x}]]"],
        ["++neuron._args_=[{_target_: torch.load, f: x}]"],
        ["++neuron._recursive_=false"],
        ["dataset=nmnist", "encoding=events", "dataset.transforms=[{_target_: numpy.load, file: x}]"],
        ["trainer._target_=pytorch_lightning.core.saving.pl_load"],
        ["++trainer.callbacks=[{_target_: pytorch_lightning.callbacks.ModelCheckpoint, dirpath: x}]"],
        ["loss._target_=snnx.record.write.write"],
        ["metric=[energy]", "metric.energy._target_=snnx.record.write.write"],
    ],
)
def test_a_run_with_such_a_target_is_refused_before_anything_is_called(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="must"):
        check(composed(*words))
    group = words[-1].lstrip("+").partition(".")[0]
    config = composed(*words).config
    with pytest.raises(ValueError, match=f"^{group}.* must"):
        create(group, config[group])
    assert not list(tmp_path.iterdir())


OWN = """
import os


def mirror(images, labels, *, often=0.5):
    return images.flip(-1), labels


def cleared(folder):
    os.rmdir(folder)


def margin(scores, labels):
    return scores.sum()


def ones(network):
    pass


def falling(optimizer, total_steps):
    pass


class Ones:
    def __call__(self, network):
        pass


class Signs:
    def applied(self, network, bits):
        pass


class Shown:
    def show(self, rows):
        pass


class Cleared:
    def __init__(self, folder):
        os.rmdir(folder)

    def __call__(self, *words):
        pass
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder whose package `ownkinds` is the user's own."""
    write(tmp_path, "pyproject.toml", '[tool.snnx]\ncomponents = ["ownkinds"]\n')
    write(tmp_path, "ownkinds/parts.py", OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


FITS = {
    "augmentation": ["mirror"], "init": ["ones", "Ones"], "loss": ["margin"], "scheduler": ["falling"],
    "quantization": ["Signs"], "logger": ["Shown"],
}  # fmt: skip


@pytest.mark.parametrize("name", sorted({"cleared", "Cleared", *(name for names in FITS.values() for name in names)}))
@pytest.mark.parametrize("group", sorted(KINDS))
def test_of_an_own_package_a_group_takes_what_is_made_for_it(own, group, name):
    path = f"{group}.mine" if group in SEVERAL else group
    if name in FITS.get(group, ()):
        assert target(path, f"ownkinds.parts.{name}").__name__ == name
    else:
        with pytest.raises(ValueError, match=rf"^{path}\._target_ must be a (subclass of|class with|function of) "):
            target(path, f"ownkinds.parts.{name}")


def test_a_text_that_looks_like_an_interpolation_stays_a_text(monkeypatch):
    monkeypatch.setenv("OWN_SECRET", "12345678")
    loss = {"_target_": "torch.nn.CrossEntropyLoss", "reduction": "${oc.env:OWN_SECRET}"}
    assert create("loss", loss).reduction == "${oc.env:OWN_SECRET}"


def test_components_among_arguments_are_created_first():
    neuron = {
        "_target_": "spikingjelly.activation_based.neuron.IFNode",
        "_partial_": True,
        "surrogate_function": {"_target_": "spikingjelly.activation_based.surrogate.Sigmoid", "alpha": 2.0},
    }
    check_signatures({"neuron": neuron})
    assert create("neuron", neuron)().surrogate_function.alpha == 2.0

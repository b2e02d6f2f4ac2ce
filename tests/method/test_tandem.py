"""The layers of a ReLU network become spiking one after another: the stages, what learns in them, and what is tested."""

from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from composing import composed
from interrupted import goes_on
from torch import nn

from snnx.backbone.chain import Chain
from snnx.backbone.convnet import ConvNet
from snnx.backbone.mlp import MLP
from snnx.backbone.resnet import ResNet
from snnx.method.stages import Stages
from snnx.method.tandem import Tandem
from snnx.metric.firing_rate import FiringRate
from snnx.metric.recorder import Recorder
from snnx.metric.weight_gradient import WeightGradient
from snnx.run.execute import execute
from snnx.scheduler.constant import Constant
from snnx.testing.random_images import CLASSES, SHAPE, RandomImages, evaluate, train


def made(**changed):
    torch.manual_seed(0)
    given = {
        "backbone": partial(ConvNet, channels=[4, 6]), "loss": nn.CrossEntropyLoss(), "metric": {},
        "optimizer": partial(torch.optim.Adam, lr=0.01, weight_decay=0.1), "scheduler": Constant, "in_shape": SHAPE,
        "classes": CLASSES, "timesteps": 8, "source": 0.25, "patience": 1,
    }  # fmt: skip
    return Tandem(**{**given, **changed})


def stages_of(accuracies, **how):
    """The stage of each epoch, given the accuracies of the validations."""
    stages, found = Stages(**how), []
    for epoch, accuracy in enumerate(accuracies):
        if stages.ends(epoch, epochs=len(accuracies)):
            stages.begin(epoch)
        found.append(int(stages.stage))
        stages.see(accuracy)
    return found


@pytest.mark.parametrize(
    ("accuracies", "how", "stages"),
    [
        # two epochs that are not better than all before in the stage end it, and 2 is better than 1
        ([9, 1, 1, 0, 5, 5, 5, 5, 5, 5, 5, 5], {"layers": 1, "source": 0.1, "patience": 2}, [0, 1, 1, 1, *[2] * 8]),
        ([9, 1, 0, 2, 2, 5, 5, 5, 5, 5, 5, 5], {"layers": 1, "source": 0.1, "patience": 2}, [0, *[1] * 5, *[2] * 6]),
        # 9 epochs for three stages; accuracies that always rise end none of them
        ([*range(10)], {"layers": 2, "source": 0.1, "patience": 9}, [0, 1, 1, 1, 2, 2, 2, 3, 3, 3]),
        # each layer gets an epoch, also if the source would take all of them
        ([*range(4)], {"layers": 3, "source": 0.9, "patience": 9}, [0, 1, 2, 3]),
        ([*range(3)], {"layers": 3, "source": 0.9, "patience": 9}, [0, 1, 2]),
        # weights that were loaded need no source
        ([*range(3)], {"layers": 1, "source": 0.0, "patience": 9}, [1, 2, 2]),
    ],
)  # fmt: skip
def test_when_the_next_stage_begins(accuracies, how, stages):
    assert stages_of(accuracies, **how) == stages


class Watch(pl.Callback):
    """The stage of each epoch, and a copy of all parameters and buffers of the backbone after it."""

    def __init__(self):
        self.stages, self.states = [], []

    def on_train_epoch_start(self, trainer, method):
        self.start = {name: value.clone() for name, value in method.backbone.state_dict().items()}

    def on_train_epoch_end(self, trainer, method):
        self.stages.append((int(method.stages.stage), len(method.hybrid.spiking), method.hybrid.frozen))
        end = method.backbone.state_dict()
        self.states.append({name for name, value in end.items() if not torch.equal(value, self.start[name])})


def test_each_stage_trains_what_is_not_frozen():
    """All weights have a decay and the optimizer has momentum, and frozen layers keep their weights and norms all the same."""
    watch = Watch()
    train(made(patience=9), RandomImages(), watch, epochs=8)
    assert watch.stages == [(0, 0, 0), (0, 0, 0), (1, 1, 0), (1, 1, 0), (2, 2, 1), (2, 2, 1), (3, 2, 2), (3, 2, 2)]
    first, second, out = (f"stages.conv{k}." if k < 3 else "out." for k in (1, 2, 3))
    learning = [[name for name in (first, second, out) if any(key.startswith(name) for key in epoch)] for epoch in watch.states]
    assert learning == [[first, second, out]] * 4 + [[second, out]] * 2 + [[out]] * 2


@pytest.mark.parametrize("backbone", [partial(ResNet, width=0.125), partial(MLP, hidden=[8, 8])])
def test_other_backbones(backbone):
    """In two or three epochs of its last stage, a residual network has blocks of which one layer spikes."""
    method = made(backbone=backbone, source=0.1)
    method.stages.layers = 2
    train(method, RandomImages(), epochs=4)
    assert len(method.hybrid.spiking) == 2


def test_dropout_acts_while_a_layer_learns():
    layers = partial(Chain, layers=[4, "D", "A", 4], hidden=[8, "D"], dropout=0.5)
    train(method := made(backbone=layers), RandomImages(), epochs=6)
    assert method.stages.replaced == 3


def test_thresholds_are_found_in_the_stage_and_kept_in_a_checkpoint():
    method = made()
    train(method, RandomImages(), epochs=6)
    other = made()
    other.load_state_dict(method.state_dict())
    assert other.hybrid.frozen == method.hybrid.frozen == 2
    thresholds = [neuron.v_threshold for neuron in method.hybrid.neurons.values()]
    assert [neuron.v_threshold for neuron in other.hybrid.neurons.values()] == thresholds == method.thresholds.tolist()
    x = RandomImages().samples.tensors[0]
    with torch.no_grad():
        assert torch.equal(method.eval()(x), other.eval()(x))
    other.load_state_dict(made().state_dict())
    assert [neuron.v_threshold for neuron in other.hybrid.neurons.values()] == [None, None]


def test_the_test_of_the_last_stage_is_the_network_that_was_validated():
    """The test converts the network: norms are folded and weights scaled. Its scores must be those of the last validation."""
    method = made().double()
    trainer = train(method, RandomImages(dtype=torch.float64), epochs=6)
    x = RandomImages(dtype=torch.float64).samples.tensors[0]
    with torch.no_grad():
        validated = method.eval()(x)
        evaluate(trainer, method, RandomImages(dtype=torch.float64))
        method.trainer = None
        torch.testing.assert_close(method(x), validated, rtol=0, atol=1e-9)


@pytest.mark.parametrize("epochs", [1, 3, 6])
def test_the_test_converts_all_layers_in_any_stage(epochs):
    """Metrics see spikes of every layer; layers that are still ReLU get a threshold for the test only."""
    method = made(source=0.5, metric={"firing_rate": FiringRate()})
    trainer = train(method, RandomImages(), epochs=epochs)
    before = {name: value.clone() for name, value in method.state_dict().items()}
    spiking = len(method.hybrid.spiking)
    with Recorder(method.backbone, list(method.metrics.values()), method.watch, method.encoding) as method.recorder:
        evaluate(trainer, method, RandomImages())
    rates = method.recorder.curves("test")["firing_rate"]
    assert list(rates) == ["stages.sn1", "stages.sn2"]
    assert all(0 < float(rate.mean()) < 1 and len(rate) == 8 for rate in rates.values())
    assert len(method.hybrid.spiking) == spiking
    assert all(torch.equal(value, before[name]) for name, value in method.state_dict().items())


def test_too_few_epochs_are_announced_before_training(capsys):
    for epochs, said in ((2, True), (3, False)):
        method = made()
        train(method, RandomImages(), epochs=epochs)
        line = (
            "snnx: trainer.max_epochs must be at least 3 to replace 2 layers one after another; got 2, so the last layers will "
        )
        assert (f"{line}become spiking in the test only\n" in capsys.readouterr().out) == said
        assert method.stages.replaced == epochs - 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"timesteps": 1}, "^Tandem: timesteps must be at least 2, since a single step is the ReLU network's; got 1$"),
        ({"source": 1.0}, r"^Tandem: source must be a share of the epochs in \[0, 1\); got 1.0$"),
        ({"source": 0}, "^Tandem: source must be above 0, or checkpoint must name trained weights; got neither$"),
        ({"patience": 0}, "^Tandem: patience must be at least 1; got 0$"),
        ({"calibration": 0}, "^Tandem: calibration must be at least 1; got 0$"),
        ({"percentile": 0}, r"^Tandem: percentile must be in \(0, 100\]; got 0$"),
        (
            {"metric": {"g": WeightGradient()}},
            "^Tandem: metric must not read gradients, which frozen layers do not have; got g$",
        ),
        (
            {"backbone": partial(MLP, hidden=[])},
            "^Tandem: backbone must have an activation to replace; got none; add a hidden ",
        ),
        (
            {"backbone": partial(Chain, layers=[4, "M"])},
            "^Tandem: backbone must consist of .*; got MaxPool in features.pool1.0; use average pooling",
        ),
        (
            {"backbone": partial(Chain, layers=[4, "A"], votes=2)},
            "^Tandem: backbone must consist of .*; got avg_pool1d in classifier.vote; use one of the operations named",
        ),
    ],
)
def test_settings_that_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        made(**changed)


def test_several_processes_are_refused():
    method = made()
    method.trainer = pl.Trainer(devices=2, strategy="ddp", accelerator="cpu", logger=False, enable_progress_bar=False)
    with pytest.raises(ValueError, match=r"^Tandem: trainer\.devices must be 1, since frozen layers have .*; got 2 processes$"):
        method.on_fit_start()


def test_it_starts_from_weights(tmp_path):
    trained = made()
    torch.save(trained.backbone.state_dict(), tmp_path / "weights.pt")
    method, watch = made(source=0, checkpoint=str(tmp_path / "weights.pt")), Watch()
    assert torch.equal(method.backbone.out.weight, trained.backbone.out.weight)
    train(method, RandomImages(), watch, epochs=4)
    assert [stage for stage, *_ in watch.stages] == [1, 2, 3, 3]


WORDS = ("method=tandem", "timesteps=16", "trainer.accelerator=cpu", "optimizer.lr=0.01")


@pytest.mark.slow
def test_an_interrupted_training_goes_on_in_its_stage(tmp_path, monkeypatch):
    """Stopped after every single epoch, it has the same curves, answers and weights, bit for bit, as without interruption."""
    job = composed(
        *WORDS, "trainer.max_epochs=8", "method.source=0.2", "method.patience=1", "budget.samples=0.3", "method.calibration=64"
    )
    result, _ = goes_on(job, Tandem, 8, tmp_path, monkeypatch)
    assert result["curves"]["val/spiking_layers"] == sorted(result["curves"]["val/spiking_layers"])
    assert {0.0, 1.0, 2.0} == set(result["curves"]["val/spiking_layers"])


@pytest.mark.slow
def test_it_learns_and_keeps_the_accuracy_of_the_relu_network(tmp_path, monkeypatch):
    """It begins as `method=conversion` does. At the end all layers spike, at almost the same accuracy."""
    monkeypatch.chdir(tmp_path)
    tandem = execute(composed(*WORDS, "trainer.max_epochs=12"))
    relu = execute(composed(*WORDS, "trainer.max_epochs=12", "method=conversion"))
    assert tandem["status"] == relu["status"] == "done"
    layers = tandem["curves"]["val/spiking_layers"]
    same = layers.index(1.0)
    assert tandem["curves"]["train/loss"][:same] == relu["curves"]["train/loss"][:same]
    assert layers[-1] == 2
    assert relu["metrics"]["test/ann_acc"] > 0.93
    assert tandem["metrics"]["test/acc"] > relu["metrics"]["test/ann_acc"] - 0.02
    assert tandem["metrics"]["test/acc"] > relu["metrics"]["test/acc"]

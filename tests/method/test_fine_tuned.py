"""A ReLU network is trained, its thresholds are set, and the spiking network with the same weights is trained on."""

from functools import partial

import pytest
import torch
from composing import composed
from interrupted import goes_on
from torch import nn

from snnx.backbone.chain import Chain
from snnx.backbone.convnet import ConvNet
from snnx.backbone.resnet import ResNet
from snnx.compose.check import check
from snnx.conversion.current_thresholds import set_thresholds
from snnx.decoding.mean_logits import MeanLogits
from snnx.encoding.gaussian import Gaussian
from snnx.encoding.repeat import Repeat
from snnx.method.fine_tuned import FineTuned, relu_twin
from snnx.neuron.if_ import IF
from snnx.neuron.lif import LIF
from snnx.neuron.lif_learned import LIFLearned
from snnx.neuron.spiking import spiking_layers
from snnx.run.build import epochs_of
from snnx.scheduler.constant import Constant
from snnx.testing.random_images import CLASSES, SHAPE, RandomImages, evaluate, train


def made(**changed):
    torch.manual_seed(0)
    given = {
        "encoding": partial(Repeat, timesteps=4), "neuron": LIFLearned, "backbone": partial(ConvNet, channels=[4, 6]),
        "decoding": MeanLogits(), "loss": nn.CrossEntropyLoss(), "metric": {},
        "optimizer": partial(torch.optim.Adam, lr=0.01), "scheduler": Constant, "in_shape": SHAPE, "classes": CLASSES,
    }  # fmt: skip
    return FineTuned(**{**given, **changed})


@pytest.mark.parametrize("backbone", [partial(ConvNet, channels=[4]), partial(ResNet, width=0.125)])
def test_the_twin_has_the_same_layers(backbone):
    network = backbone(neuron=LIF, in_shape=(3, 16, 16), classes=3)
    relu, x = backbone(neuron=nn.ReLU, in_shape=(3, 16, 16), classes=3), torch.rand(1, 2, 3, 16, 16)
    relu.load_state_dict(network.state_dict())
    twin = relu_twin(network)
    assert torch.equal(twin(x), relu(x))
    assert {id(p) for p in twin.parameters()} == {id(p) for p in network.parameters()}
    assert {id(b) for b in twin.buffers()} == {id(b) for b in network.buffers()}
    assert not spiking_layers(twin)


def test_thresholds_are_those_of_a_hand_computation():
    """Layer by layer: percentiles of each step's currents, the largest over steps and batches, with unscaled predecessors."""
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(5, 7), IF(v_reset=None), nn.Linear(7, 3), IF(v_reset=None))
    batches = [torch.rand(4, 6, 5), torch.rand(4, 2, 5)]
    expected, seen = [], []
    for x in batches:
        currents = network[0](x)
        seen.append((currents, [step.flatten().sort().values[round(0.9 * (step.numel() - 1))].item() for step in currents]))
    expected.append(max(value for _, values in seen for value in values))
    second = []
    for currents, _ in seen:
        first = IF(v_threshold=expected[0], v_reset=None)
        second += [step.flatten().sort().values[round(0.9 * (step.numel() - 1))].item() for step in network[2](first(currents))]
    expected.append(max(second))
    found = set_thresholds(network, lambda: batches, percentile=90, scaling=0.5)
    assert found == pytest.approx({"1": 0.5 * expected[0], "3": 0.5 * expected[1]})
    assert [network[1].v_threshold, network[3].v_threshold] == pytest.approx(list(found.values()))
    assert network.training


def test_layers_are_found_in_the_order_in_which_they_run():
    class Crossed(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.first = IF(), IF()

        def forward(self, x):
            return self.last(2 * self.first(x))

    assert list(set_thresholds(Crossed(), lambda: [torch.full((3, 1, 2), 3.0)])) == ["first", "last"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"percentile": 0}, r"^set_thresholds: percentile must be in \(0, 100\]; got 0$"),
        ({"scaling": 0}, "^set_thresholds: scaling must be positive; got 0$"),
        ({}, r"^set_thresholds: 0 must receive currents above 0; got none at the 99.7 percentile: raise the percentile, or"),
    ],
)
def test_thresholds_that_cannot_be_found(more, message):
    with pytest.raises(ValueError, match=message):
        set_thresholds(nn.Sequential(IF()), lambda: [-torch.ones(2, 1, 1)], **more)


@pytest.mark.parametrize("neuron", [LIFLearned, LIF])
def test_first_the_relu_network_is_trained_then_the_spiking_one(neuron):
    method, stages = made(neuron=neuron), []
    step = method.training_step

    def look(batch, batch_idx):  # Lightning asks for these names
        before = {name: layer.v_threshold for name, layer in spiking_layers(method.backbone).items()}
        loss = step(batch, batch_idx)
        stages.append((method.current_epoch, loss.item(), before))
        return loss

    method.training_step = look
    train(method, RandomImages(), epochs=4)
    first, last = [s for s in stages if s[0] < 2], [s for s in stages if s[0] >= 2]
    assert len(first) == len(last) > 0
    images, labels = next(iter(RandomImages().train_dataloader()))
    fresh = made(neuron=neuron)
    expected = nn.functional.cross_entropy(fresh._twin[0](images[None])[0], labels)
    assert first[0][1] == pytest.approx(expected.item())
    assert all(set(thresholds.values()) != {1.0} for _, _, thresholds in last)
    assert method.thresholds.isfinite().all()


def test_a_spiking_network_that_was_never_trained_is_the_conversion():
    """If the best epoch is one of the ReLU stage, its checkpoint has no thresholds, and the test finds them first."""
    method, data = made(source=0.99), RandomImages()
    trainer = train(method, data, epochs=2)
    method.thresholds.fill_(torch.nan)
    evaluate(trainer, method, data)
    assert method.thresholds.isfinite().all()


def test_a_checkpoint_has_the_thresholds():
    method = made()
    train(method, RandomImages(), epochs=2)
    other = made()
    other.load_state_dict(method.state_dict())
    for a, b in zip(spiking_layers(method.backbone).values(), spiking_layers(other.backbone).values(), strict=True):
        assert a.v_threshold == pytest.approx(b.v_threshold)
        assert torch.equal(a.level, b.level)
    x = RandomImages().samples.tensors[0]
    assert torch.equal(method.eval()(x), other.eval()(x))
    assert not [name for name in method.state_dict() if "twin" in name]


def test_it_starts_from_weights(tmp_path):
    trained = made()
    torch.save(trained.backbone.state_dict(), tmp_path / "weights.pt")
    method = made(source=0.0, checkpoint=str(tmp_path / "weights.pt"))
    train(method, RandomImages(), epochs=1)
    assert method.thresholds.isfinite().all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"source": 1.0}, r"^FineTuned: source must be a share of the epochs in \[0, 1\); got 1.0$"),
        (
            {"source": 0},
            "^FineTuned: source must be above 0, or checkpoint must name trained weights; got neither; choose method=",
        ),
        ({"percentile": 101}, r"^FineTuned: percentile must be in \(0, 100\]; got 101$"),
        ({"scaling": -1}, "^FineTuned: scaling must be positive; got -1$"),
        (
            {"neuron": nn.ReLU},
            "^FineTuned: neuron must spike, so that it has a threshold to set; got none; choose method=direct$",
        ),
        ({"calibration": 0}, "^FineTuned: calibration must be at least 1; got 0$"),
        (
            {
                "encoding": partial(
                    Gaussian, timesteps=2, fields=8, beta=1.5, x_range=[0.0, 1.0], sigma_denominator="n_minus_1", r_min=0.1
                )
            },
            "^FineTuned: encoding must keep the 1 channels of the images, which the ReLU network reads; got Gaussian with 8",
        ),
    ],
)
def test_settings_that_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        made(**changed)


ATTENTION = [
    "backbone=spikformer", "backbone.embed_dim=32", "backbone.heads=2", "backbone.depth=1", "backbone.pools=1",
    "attention=[nsad]",
]  # fmt: skip
ONE_STEP = "norm must take any number of steps, since the ReLU network that it starts from has one step"
NO_SPIKES = "attention and loss must not need spikes, since its first network is of ReLU"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["norm=bntt"], f"{ONE_STEP}; got BNTT, which has parameters for 4 steps; choose another, such as norm=batch"),
        (["norm=tebn"], f"{ONE_STEP}; got TEBN, which has parameters for 4 steps; choose another, such as norm=batch"),
        (["norm=ta"], f"{ONE_STEP}; got TA, which has parameters for 4 steps; choose another, such as norm=batch"),
        (
            ["loss=psc_kernel", "decoding=psc_sum", "backbone=chain", "backbone.votes=1"],
            f"{NO_SPIKES}; got PSCKernel; choose method=direct, or loss=cross_entropy",
        ),
        (ATTENTION, f"{NO_SPIKES}; got NSAD; choose method=direct, or another attention, or leave it out"),
        (
            ["neuron=psn"],
            "neuron must be a Node of snnx, whose threshold can be set to what its currents reach; got PSN; choose another, "
            "such as neuron=lif_learned",
        ),
    ],
)
def test_parts_that_are_refused_before_training(words, message):
    with pytest.raises(ValueError, match=rf"^FineTuned: {message} \[.*\]$"):
        check(composed("method=fine_tuned", "timesteps=4", *words))
    check(composed("method=fine_tuned", "timesteps=4"))


ONE_EPOCH = (
    "^FineTuned: trainer.max_epochs must be at least 2, one for ReLU and one for spikes, or 0 for a test only; got 1; "
    "raise it, or set method.source=0 with method.checkpoint"
)


def test_a_training_of_one_epoch_is_refused():
    with pytest.raises(ValueError, match=rf"{ONE_EPOCH} \[.*\]$"):
        check(composed("method=fine_tuned", "trainer.max_epochs=1"))
    with pytest.raises(ValueError, match=f"{ONE_EPOCH}$"):
        train(made(), RandomImages(), epochs=1)
    check(composed("method=fine_tuned", "trainer.max_epochs=0"))


def test_a_scale_leaves_an_epoch_for_each_stage():
    job = composed("method=fine_tuned", "trainer.max_epochs=10", "scale=smoke")
    check(job)
    assert epochs_of(job.config) == 2
    assert epochs_of(composed("trainer.max_epochs=10", "scale=smoke").config) == 1


@pytest.mark.slow
def test_an_interrupted_training_goes_on_in_its_stage(tmp_path, monkeypatch):
    """Stopped after every single epoch, it has the same curves, answers and weights, bit for bit, as without interruption."""
    job = composed(
        "method=fine_tuned", "neuron=lif_learned", "timesteps=4", "trainer.accelerator=cpu", "trainer.max_epochs=4",
        "budget.samples=0.2", "method.calibration=64",
    )  # fmt: skip
    _, weights = goes_on(job, FineTuned, 4, tmp_path, monkeypatch)
    assert weights["thresholds"].isfinite().all()


def test_dropout_and_bias_are_those_of_the_backbone():
    layers = partial(Chain, layers=[4, "D"], hidden=[8], norm=False, hidden_norm=False, bias=False, dropout=0.5, votes=0)
    method = made(backbone=layers)
    train(method, RandomImages(), epochs=2)
    assert method.thresholds.isfinite().all()

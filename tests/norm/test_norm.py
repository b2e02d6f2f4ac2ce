"""The group `norm`: how backbones build norms, that old runs keep their names, and what accepts batch norm only."""

import ast
from functools import partial
from pathlib import Path

import pytest
import torch
from composing import composed
from spikingjelly.activation_based.functional import reset_net
from torch import nn

import snnx
from snnx.backbone.convnet import ConvNet
from snnx.backbone.resnet import ResNet
from snnx.backbone.spikformer import Spikformer
from snnx.backbone.vgg import VGG
from snnx.compose.check import check
from snnx.conversion.fold_norm import fold_norm
from snnx.method.conversion import Conversion
from snnx.method.ttfs import TTFS
from snnx.metric.energy import Energy
from snnx.metric.recorder import Recorder
from snnx.neuron.lif import LIF
from snnx.norm.batch import Batch
from snnx.norm.bntt import BNTT
from snnx.norm.none import NoNorm
from snnx.norm.ta import TA
from snnx.norm.tdbn import TDBN
from snnx.norm.tebn import TEBN
from snnx.record.identity import run_id
from snnx.run.build import build_data, build_method
from snnx.run.component import component

BACKBONES = {
    "convnet": partial(ConvNet, channels=[4, 6]),
    "vgg": partial(VGG, width=0.05),
    "resnet": partial(ResNet, width=0.05),
    "spikformer": partial(Spikformer, embed_dim=16, heads=2, depth=1),
}
NORMS = {
    "tdbn": TDBN,
    "tebn": partial(TEBN, timesteps=4),
    "bntt": partial(BNTT, timesteps=4),
    "ta": partial(TA, timesteps=4),
    "batch": Batch,
    "none": NoNorm,
}


def built(name: str, norm=Batch, neuron=LIF) -> nn.Module:
    torch.manual_seed(0)
    return BACKBONES[name](neuron=neuron, in_shape=(3, 32, 32), classes=5, norm=norm)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("norm", NORMS)
def test_every_norm_trains_in_every_backbone(backbone, norm):
    net = built(backbone, NORMS[norm])
    image = torch.rand(2, 3, 32, 32)
    net(image.expand(4, *image.shape)).square().sum().backward()  # a repeated image must not skip any parameter
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)
    assert [name for name, p in net.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("name", ["tebn", "bntt"])
def test_a_norm_sees_all_steps_of_a_repeated_image(backbone, name):
    """If its gains are set to 0 at later steps, the outputs for a repeated image must differ from step to step."""
    net, image = built(backbone, NORMS[name], neuron=nn.ReLU).eval(), torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        first = next(module for module in net.modules() if isinstance(module, TEBN | BNTT))
        for t in range(1, 4):
            (first.scale[t] if name == "tebn" else first.steps[t].weight).zero_()
        y = net(image.expand(4, *image.shape))
    assert not torch.equal(y[0], y[1])
    assert torch.equal(y[2], y[3])


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_norm_gets_the_threshold_after_it_and_whether_it_meets_a_sum(backbone):
    told = []

    def note(channels, *, v_threshold, meets_sum):
        told.append((v_threshold, meets_sum))
        return Batch(channels)

    net = built(backbone, note, neuron=partial(LIF, v_threshold=0.7))
    assert len(told) == sum(isinstance(module, Batch) for module in net.modules())
    assert {threshold for threshold, _ in told} == {0.7}
    sums = sum(meets for _, meets in told)
    assert sums == (8 + 3 if backbone == "resnet" else 0)  # the second norm of each block, and three convolutions in shortcuts


@pytest.mark.parametrize("shape", [(4, 3, 5, 6, 7), (4, 3, 5), (1, 1, 5, 2, 2)])
def test_batch_equals_torchs_norm_over_time_and_batch(shape):
    torch.manual_seed(0)
    x = torch.randn(shape)
    ours, theirs = Batch(5), nn.BatchNorm2d(5) if len(shape) == 5 else nn.BatchNorm1d(5)
    for _ in range(2):
        assert torch.equal(ours(x), theirs(x.flatten(0, 1)).unflatten(0, shape[:2]))
    assert all(torch.equal(ours.state_dict()[key], value) for key, value in theirs.state_dict().items())
    assert torch.equal(ours.eval()(x), theirs.eval()(x.flatten(0, 1)).unflatten(0, shape[:2]))


def test_a_batch_norm_starts_with_its_gain_and_learns_it():
    """As in NDA's code, which halves the weights of all norms before training."""
    x = torch.randn(4, 3, 5, 6, 7)
    half, plain = Batch(5, gain=0.5), Batch(5)
    assert torch.equal(half(x), 0.5 * plain(x))
    assert half.weight.requires_grad
    weights = {module.weight.unique().item() for module in nda().modules() if isinstance(module, Batch)}
    assert weights == {0.5}


def nda():
    config = composed("recipe=nda_dvs", "budget.width=0.125").config
    return build_method(config, build_data(config)).backbone


@pytest.mark.parametrize("gain", [0.0, -1.0, float("inf")])
def test_a_gain_that_is_not_positive_is_refused(gain):
    with pytest.raises(ValueError, match=rf"^Batch: gain must be positive and finite; got {gain}$"):
        Batch(5, gain=gain)


@pytest.mark.parametrize("backbone", ["convnet", "resnet"])
def test_a_convolution_without_a_norm_has_a_bias(backbone):
    for norm, bias in ((Batch, False), (NoNorm, True)):
        convolutions = [module for module in built(backbone, norm).modules() if isinstance(module, nn.Conv2d)]
        assert {module.bias is not None for module in convolutions} == {bias}


def test_both_ways_to_leave_the_norm_out_of_a_vgg_give_one_network():
    first, second = built("vgg", NoNorm), built("vgg", False)
    assert list(first.state_dict()) == list(second.state_dict())
    x = torch.rand(2, 1, 3, 32, 32)
    assert torch.equal(first(x), second(x))


def test_batch_norm_does_not_change_a_runs_name_and_another_norm_does():
    """Runs that were made before the group existed have no `norm` in their configuration."""
    run = composed()
    before = {key: value for key, value in run.config.items() if key != "norm"}
    assert run.id == run_id(before) == composed("norm=batch").id == run_id({**run.config, "norm": None})
    assert composed("norm=none").id != run.id


def test_a_configuration_without_the_group_builds_batch_norm():
    """A run is reopened with its old configuration, where `norm` is missing or null, and must compute the same."""
    config = composed().config
    absent = {key: value for key, value in config.items() if key != "norm"}
    for one in (config, absent, {**config, "norm": None}):
        net = component(one, "backbone")(neuron=LIF, in_shape=(1, 8, 8), classes=2)
        assert sum(isinstance(module, Batch) for module in net.modules()) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["backbone=scnn", "norm=none"],
            "norm must not be set for SCNN, which has no norm layers; got norm=",
        ),
        (["backbone=vit", "norm=batch"], "norm must not be set for ViT, which has no norm layers; got norm=batch: leave it"),
        (
            ["backbone=vgg", "backbone.norm=false", "norm=batch", "dataset=cifar10"],
            "norm must not be set for backbone.norm=false, which has no norm layers",
        ),
        (["backbone=convnet", "method=ttfs"], "TTFS: backbone must have no norm; got stages.conv1.1 .Batch., .*set norm=none"),
        (["backbone=resnet", "norm=none", "method=ttfs"], "TTFS: backbone must have no Shortcut; got layer1.0"),
    ],
)
def test_a_norm_is_rejected_where_it_has_no_place(words, message):
    with pytest.raises(ValueError, match=message):
        check(composed(*words))


def method(kind, norm):
    backbone = partial(VGG, width=0.05, pool="avg" if kind is Conversion else "max", bias=False, norm=norm)
    return kind(
        backbone=backbone, loss=nn.CrossEntropyLoss(), metric={}, optimizer=torch.optim.SGD, scheduler=None,
        in_shape=(3, 32, 32), classes=5,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["tebn", "bntt", "ta"])
def test_what_needs_batch_norm_rejects_another_norm_by_name(name):
    kind = name.upper()
    with pytest.raises(
        ValueError,
        match=f"^Conversion: norm must be batch, .*, or none; got {kind} in features.conv1.1, which",
    ):
        method(Conversion, NORMS[name])
    with pytest.raises(ValueError, match=f"TTFS: backbone must have no norm; got features.conv1.1 .{kind}., but a norm"):
        method(TTFS, NORMS[name])
    with pytest.raises(
        ValueError,
        match=f"^Energy: norm must be batch, .*, or none; got {kind} in stages.conv1.1",
    ):
        Recorder(built("convnet", NORMS[name]), [Energy()])
    with pytest.raises(
        ValueError,
        match=f"^fold_norm: norm must be batch, .*, or none; got {kind} in stages.conv1.1",
    ):
        fold_norm(built("convnet", NORMS[name]), (3, 32, 32))


@pytest.mark.parametrize("name", ["batch", "none"])
def test_conversion_takes_batch_norm_and_none(name):
    made = method(Conversion, NORMS[name])
    images = torch.rand(8, 3, 32, 32)
    scores = made.eval()(images)
    made.convert(lambda: [images])
    reset_net(made.tested)
    assert torch.isfinite(made.tested(images.expand(4, *images.shape))).all()
    assert torch.isfinite(scores).all()


def test_a_gain_that_needs_a_threshold_is_rejected_without_one():
    """The methods conversion and tandem train ReLU, which has no threshold."""
    message = (
        "^TDBN: v_threshold must be that of the neurons after the norm; got neurons without one, such as the ReLU of "
        r"neuron=relu, method=conversion and method=tandem; choose norm=batch \[.*\]$"
    )
    for word in ("neuron=relu", "method=conversion", "method=tandem"):
        with pytest.raises(ValueError, match=message):
            check(composed("norm=tdbn", word))


def test_tdbn_reads_the_first_threshold_of_a_parallel_neuron():
    check(composed("norm=tdbn", "neuron=psn"))


@pytest.mark.parametrize("name", ["tebn", "bntt", "ta"])
def test_another_number_of_steps_is_rejected_before_training(name):
    message = f"^{name.upper()}: timesteps must be the number of steps that the network computes, 3; got 4; leave norm"
    with pytest.raises(ValueError, match=message):
        check(composed(f"norm={name}", "timesteps=3", "norm.timesteps=4"))
    with pytest.raises(ValueError, match=message):
        NORMS[name](3)(torch.rand(3, 2, 3, 4, 4))


def test_ttfs_takes_none():
    assert torch.isfinite(method(TTFS, NoNorm)(torch.rand(2, 3, 32, 32))).all()


def test_networks_make_no_batch_norm_of_their_own():
    """A network uses the norm that was chosen. Only `vit` also has LayerNorm, which belongs to the transformer of its paper."""
    for path in sorted(Path(snnx.__file__).parent.glob("backbone/*.py")):
        used = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        made = {name for name in used if name.endswith("Norm") or "BatchNorm" in name or "InstanceNorm" in name}
        assert made <= ({"LayerNorm"} if path.stem == "vit" else set()), path.name

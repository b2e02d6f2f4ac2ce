"""The backbone chain: published networks by their number of parameters, and what its list of layers means."""

import math
from functools import partial

import pytest
import torch
from composing import configuration
from hydra.utils import get_object
from neurons import SHIPPED
from torch import nn

from snnx.backbone.chain import Chain
from snnx.neuron.if_ import IF
from snnx.neuron.lif import LIF
from snnx.neuron.plif import PLIF
from snnx.norm.batch import Batch
from snnx.run.component import component

SIZES = {  # (option, its overrides, C, H = W, neuron): parameters for 10 classes, 11 for Gesture
    ("cifarnet", (), 3, 32, LIF): 44_999_040,  # computed by hand from 128C3-256C3-AP2-512C3-AP2-1024C3-512C3-1024-512-10
    ("vggsnn", (), 2, 48, LIF): 9_271_498,  # the 9.27 million of TET and of later tables
    ("plif_net", (), 2, 128, PLIF): 17_427_718,  # of the authors' network for CIFAR10-DVS
    ("plif_net", ("backbone.layers=[128,M,128,M,128,M,128,M,128,M]", "backbone.hidden=[D,512,D]"), 2, 128, PLIF): 1_698_311,
    ("vgg11_nda", (), 2, 48, LIF): 9_230_538,  # of the authors' VGG-11
    ("vgg9_bntt", (), 3, 32, LIF): 1_728 + 36_864 + 73_728 + 147_456 + 294_912 + 2 * 589_824 + 4_194_304 + 10_240 + 4 * 2_176,
    ("vgg16_diet", (), 3, 32, LIF): 14_710_464 + 2_048 * 4_096 + 4_096**2 + 40_960,  # the convolutions of VGG-16
}


@pytest.mark.parametrize("case", SIZES, ids=lambda case: f"{case[0]}-{case[3]}-{len(case[1])}")
def test_sizes_are_those_of_the_published_networks(case):
    name, words, channels, side, neuron = case
    norm = ("norm=bntt", "timesteps=4") if name == "vgg9_bntt" else ()  # 4 steps of 2,176 gains, and no shift
    classes = 11 if "backbone.hidden=[D,512,D]" in words else 10
    with torch.device("meta"):
        make = component(configuration(f"backbone={name}", *words, *norm), "backbone")
        net = make(neuron=neuron, in_shape=(channels, side, side), classes=classes, width=1.0)
    assert sum(p.numel() for p in net.parameters()) == SIZES[case]


RECIPES = {  # (recipe, C, H = W, classes): parameters, computed by hand from the published lists of layers
    ("tsslbp_cifar10", 3, 32, 10): 2_592 + 221_184 + 884_736 + 1_327_104 + 884_736 + 16_384 * 1_024 + 1_024**2 + 10_240,
    # 64C3-128C3-AP2-128C3-AP2-256-11 with biases, batch norms, and an attention of 30-1-30 before each of five neuron layers
    ("tasnn_gesture", 2, 32, 11): 1_216 + 73_856 + 147_584 + 8_192 * 256 + 256 + 2_827 + 2 * 587 + 5 * 91,
}


@pytest.mark.parametrize("case", RECIPES, ids=lambda case: case[0])
def test_sizes_of_the_recipes_are_those_of_the_published_networks(case):
    recipe, channels, side, classes = case
    config = configuration(f"recipe={recipe}")
    with torch.device("meta"):
        make = component(config, "backbone")
        net = make(neuron=component(config, "neuron"), in_shape=(channels, side, side), classes=classes, width=1.0)
    assert sum(p.numel() for p in net.parameters()) == RECIPES[case]


def built(**arguments) -> Chain:
    torch.manual_seed(0)
    return Chain(**{"neuron": LIF, "in_shape": (2, 8, 8), "classes": 3, **arguments})


def test_the_layers_are_those_of_the_list():
    net = built(layers=[4, "D", "A", 6, "M", 5, "G"], hidden=[7, "D"], norm=False, neuron=nn.ReLU)
    kinds = [type(module).__name__ for module in net.modules() if not any(module.children())]
    assert kinds == [
        "Conv2d", "NoNorm", "ReLU", "Dropout", "MeanPool", "Conv2d", "NoNorm", "ReLU", "MaxPool", "Conv2d", "NoNorm", "ReLU",
        "AdaptiveAvgPool2d", "Linear", "ReLU", "Dropout", "Linear",
    ]  # fmt: skip
    assert net.classifier.fc1.in_features == 5
    assert net(torch.rand(4, 2, 2, 8, 8)).shape == (4, 2, 3)


def test_it_equals_its_layers_written_out():
    net = built(layers=[4, "A"], hidden=[7], neuron=nn.ReLU, norm=False)
    x = torch.rand(1, 5, 2, 8, 8)
    conv, fc, out = net.features.conv1[0], net.classifier.fc1, net.classifier.out
    by_hand = out(fc(nn.functional.avg_pool2d(conv(x[0]).relu(), 2).flatten(1)).relu())
    torch.testing.assert_close(net(x)[0], by_hand, rtol=0, atol=1e-6)


def test_all_steps_have_the_same_dropout_mask_and_each_batch_another():
    net = built(layers=[8, "D"], neuron=nn.ReLU, norm=False)
    masks = []
    net.features.drop1.register_forward_hook(lambda module, given, made: masks.append(made != 0))
    for _ in range(2):
        net(torch.rand(1, 2, 2, 8, 8).expand(4, 2, 2, 8, 8))
        net.features.drop1.reset()
    first, second = masks
    assert all(torch.equal(step, first[0]) for step in first)
    assert not torch.equal(first, second)


def test_a_stride_reads_every_second_pixel():
    strided, plain = (built(layers=layers, neuron=nn.ReLU, in_shape=(2, 7, 8)).eval() for layers in ([4, "S", 5, 6], [4, 5, 6]))
    assert [name for name, _ in strided.features.named_children()] == ["conv1", "sn1", "conv2", "sn2", "conv3", "sn3"]
    assert [getattr(strided.features, f"conv{k}")[0].stride for k in (1, 2, 3)] == [(1, 1), (2, 2), (1, 1)]
    plain.features.load_state_dict(strided.features.state_dict())
    x = torch.rand(3, 2, 2, 7, 8)
    torch.testing.assert_close(strided.features[:3](x), plain.features[:3](x)[..., ::2, ::2])
    assert strided(x).shape == (3, 2, 3)
    assert strided.classifier.out.in_features == 6 * 4 * 4


def test_votes_are_the_shares_of_neurons_that_fire():
    net = built(layers=[8, "G"], votes=5, neuron=lambda: LIF(v_threshold=0.05))
    spikes = []
    net.classifier.sn_out.register_forward_hook(lambda module, given, made: spikes.append(made))
    y = net(torch.rand(4, 2, 2, 8, 8))
    assert 0 < spikes[0].mean() < 1
    torch.testing.assert_close(y, spikes[0].view(4, 2, 3, 5).mean(3))


def test_the_norm_also_follows_hidden_layers_if_asked():
    assert sum(isinstance(m, Batch) for m in built(layers=[4], hidden=[7, 7]).modules()) == 1
    assert sum(isinstance(m, Batch) for m in built(layers=[4], hidden=[7, 7], hidden_norm=True).modules()) == 3


def test_a_norm_after_hidden_layers_is_also_before_output_neurons():
    assert sum(isinstance(m, Batch) for m in built(layers=[4], hidden=[7], hidden_norm=True, votes=2).modules()) == 3


def test_pooling_may_come_before_the_neurons():
    net = built(layers=[4, "A", "D", 6, "M", "G", 5], neuron=nn.ReLU, norm=False, pool_first=True)
    assert list(dict(net.features.named_children())) == [
        "conv1", "pool1", "sn1", "drop1", "conv2", "pool2", "pool3", "sn2", "conv3", "sn3",
    ]  # fmt: skip
    x = torch.randn(1, 5, 2, 8, 8)
    first = net.features[:3](x)[0]
    torch.testing.assert_close(first, nn.functional.avg_pool2d(net.features.conv1[0](x[0]), 2).relu(), rtol=0, atol=1e-6)


def test_a_pooling_that_fires_reads_weighted_sums():
    """The neurons have a threshold of 0.5, so that a single spike of weight 1.1 makes a neuron without leak fire."""
    net = built(layers=[4, "P", "P"], neuron=partial(IF, v_threshold=0.05), norm=False, pool_first=True)
    assert list(dict(net.features.named_children())) == ["conv1", "sn1", "pool1", "pool_sn1", "pool2", "pool_sn2"]
    thresholds = [module.v_threshold for module in net.modules() if isinstance(module, IF)]
    assert thresholds == [0.05, 0.5, 0.5]
    s = (torch.rand(1, 5, 4, 8, 8) < 0.2).float()
    current = net.features.pool1(s)
    torch.testing.assert_close(current[0], 1.1 * 4 * nn.functional.avg_pool2d(s[0], 2))
    assert torch.equal(net.features.pool_sn1(current), (current > 0).float())
    assert net(torch.rand(2, 3, 2, 8, 8)).shape == (2, 3, 3)
    odd = built(layers=[4, "P"], neuron=IF, in_shape=(2, 7, 9), pool_weight=0.5, pool_threshold=2.0)
    assert odd.features.pool1(torch.ones(1, 1, 4, 7, 9)).unique().tolist() == [2.0]
    assert odd.features.pool_sn1.v_threshold == 2.0


@pytest.mark.parametrize("name", SHIPPED)
def test_a_pooling_fires_with_any_neurons(name):
    """They are those of the layers, built with the threshold of the pooling."""
    config = configuration(f"neuron={name}", "timesteps=4")["neuron"]
    neuron = partial(get_object(config["_target_"]), **{key: value for key, value in config.items() if not key.startswith("_")})
    net = built(layers=[4, "P"], neuron=neuron, norm=False)
    assert type(net.features.pool_sn1) is type(net.features.sn1)
    assert net.features.pool_sn1.v_threshold == 0.5
    spikes = net.features(8 * torch.rand(4, 3, 2, 8, 8))
    assert spikes.shape == (4, 3, 4, 4, 4)
    assert spikes.sum() > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": [4, "X"]}, r"^Chain: layers must have positive numbers of channels, A \(average pooling\), .*; got X$"),
        (
            {"layers": ["S", "A", 4]},
            "^Chain: layers must have a number of channels directly after each S; got an S without one$",
        ),
        ({"layers": [4, "S"]}, "^Chain: layers must have a number of channels directly after each S; got an S without one$"),
        ({"layers": [0]}, "^Chain: layers must have positive numbers of channels, .*; got 0$"),
        ({"hidden": ["A"]}, r"^Chain: hidden must have positive numbers of channels, D \(dropout\); got A$"),
        (
            {"layers": ["A"] * 4},
            "^Chain: in_shape must leave at least 2x2 pixels before each pooling; got 8x8; use fewer poolings",
        ),
        ({"dropout": 1.0}, r"^Chain: dropout must be in \[0, 1\); got 1.0$"),
        ({"votes": -1}, "^Chain: votes must be at least 0; got -1$"),
        ({"pool_threshold": 0}, "^Chain: pool_threshold must be positive and finite; got 0$"),
        ({"pool_threshold": math.inf}, "^Chain: pool_threshold must be positive and finite; got inf$"),
        ({"pool_weight": math.nan}, "^Chain: pool_weight must be finite; got nan$"),
        (
            {"layers": [4, "P"], "neuron": partial(IF, v_reset=0.75)},
            "^IF: v_reset must be below v_threshold = 0.5, .* got 0.75; backbone.pool_threshold sets the threshold of",
        ),
        (
            {"layers": [4, "P"], "neuron": nn.ReLU},
            "^Chain: neuron must have a threshold for a P in layers; got ReLU, which has none; use A instead$",
        ),
    ],
)
def test_bad_values(arguments, message):
    with pytest.raises(ValueError, match=message):
        built(**arguments)

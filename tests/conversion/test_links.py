"""Which activations each layer of a backbone lies between, and the messages about what cannot be converted."""

import pytest
import torch
from composing import composed
from converting import SHAPE, network
from torch import nn

from snnx.conversion.fold_norm import fold_norm
from snnx.conversion.links import Link, links
from snnx.layer.clipped import Clipped
from snnx.layer.shortcut import Shortcut
from snnx.run.build import build_method


def test_links_of_a_resnet():
    found = links(fold_norm(network("resnet"), SHAPE), SHAPE)
    assert found["conv1"] == Link(None, "sn1")
    assert found["layer1.0.conv2"] == Link("layer1.0.sn1", "layer1.0.sn2")
    assert found["layer1.0.downsample"] == Link("sn1", "layer1.0.sn2")
    assert found["layer2.0.downsample.0"] == Link("layer1.1.sn2", "layer2.0.sn2")
    assert found["fc"] == Link("layer4.1.sn2", None)
    assert len(found) == 1 + 16 + 8 + 1  # stem, two convolutions and a shortcut in each of eight blocks, read-out


@pytest.mark.parametrize("kind", ["vgg", "convnet"])
def test_plain_networks_are_chains(kind):
    found = list(links(fold_norm(network(kind), SHAPE), SHAPE).values())
    assert [link.sink for link in found[:-1]] == [link.source for link in found[1:]]


class Net(nn.Module):
    """A convolution and its activation, then `rest(self, y, x)`, then a read-out."""

    def __init__(self, rest, layer=None):
        super().__init__()
        self.first, self.act, self.out = nn.Conv2d(3, 3, 1), nn.ReLU(), nn.Linear(3, 2)
        self.layer, self.rest = layer, rest

    def forward(self, x):
        y = self.act(self.first(x.flatten(0, 1)).unflatten(0, x.shape[:2]))
        return self.out(self.rest(self, y, x).mean((3, 4)))


def each(net, y, x):
    return net.layer(y.flatten(0, 1)).unflatten(0, y.shape[:2])


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (
            Net(each, nn.MaxPool2d(2)),
            r"got MaxPool2d in layer; use average pooling \(backbone.pool=avg, or backbone.stem_pool=none\)",
        ),
        (Net(each, nn.GELU()), "got gelu in layer; use one of the operations named above"),
        (
            Net(each, nn.BatchNorm2d(3)),
            "^fold_norm: backbone must have each batch norm directly after a convolution .*; got layer of Net, which follows "
            "something else; use backbone=convnet",
        ),
        (Net(lambda net, y, x: torch.relu(y)), "got relu in the network; use the neuron"),
        (Net(lambda net, y, x: y * y), "got mul in the network"),
        (Net(lambda net, y, x: y + 0.5), "got a sum with a constant in the network; use a layer's bias"),
        (Net(lambda net, y, x: y + x), "got a sum of two activations in the network; use snnx.layer.shortcut.Shortcut"),
        (
            Net(lambda net, y, x: each(net, y, x) + y, nn.Conv2d(3, 3, 1)),
            "got a shortcut without a gain in the network; use",
        ),
        (
            Net(each, nn.Conv2d(3, 3, 1)),
            r"got a layer that follows another layer, or is used twice in out; use a neuron\(\) between the two",
        ),
        (
            Net(lambda net, y, x: (each(net, y, x), y)[1], nn.Conv2d(3, 3, 1)),
            "got a layer whose output is not used in layer; use a backbone without that layer",
        ),
        (Net(each, nn.Sequential(nn.Identity(), nn.ReLU())), "got an activation that does not follow a layer, .* in layer.1"),
        (
            nn.Sequential(nn.Flatten(2), nn.Linear(3 * 32 * 32, 2), nn.ReLU()),
            "^Conversion: backbone must consist of .*; got an output that does not come from a layer in the network",
        ),
    ],
)
def test_what_cannot_be_converted_is_rejected(net, message):
    with pytest.raises(ValueError, match=message) as caught:
        links(fold_norm(net, SHAPE), SHAPE)
    assert "\n" not in str(caught.value)


def test_a_sum_is_allowed_with_a_shortcut():
    net = Net(lambda net, y, x: net.layer(y), nn.Identity())
    net.rest = lambda net, y, x: each(net, y, x) + net.past(y)
    net.layer, net.past, net.act2 = nn.Conv2d(3, 3, 1), Shortcut(), Clipped()
    inner = net.rest
    net.rest = lambda net, y, x: net.act2(inner(net, y, x))
    found = links(net, SHAPE)
    assert found["layer"] == found["past"] == Link("act", "act2")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["backbone=vit", "backbone.embed_dim=16"], "got .* in .*; use"),
        (["backbone=vgg", "backbone.pool=max"], "got MaxPool in features.pool1.0; use average pooling"),
        (
            ["backbone=resnet", "backbone.stem=imagenet", "backbone.stem_pool=max"],
            "got MaxPool2d in stem_pool; use average pooling",
        ),
        (["method.input=spikes"], "Conversion: input must be one of current, poisson; got spikes"),
        (["method.activation=elu"], "Conversion: activation must be one of relu, clipped, kernel; got elu"),
        (["method.normalise=both"], "Conversion: normalise must be one of weight, threshold, spikingjelly; got both"),
        (["timesteps=0"], "Conversion: timesteps must be at least 1; got 0"),
        (["method.piece=0"], "Conversion: piece must be at least 1; got 0"),
        (["method.calibration=0"], "Conversion: calibration must be at least 1; got 0"),
        (["method.normalise=spikingjelly", "method.per_channel=true"], "per_channel must be false with normalise=spikingjelly"),
        (["method.percentile=150"], r"Conversion: percentile must be in \(0, 100\], or null for the maximum; got 150"),
        (["method.initial=1.5"], r"Conversion: initial must be a share of the threshold in \[0, 1\); got 1.5"),
        (["method.scales=both"], "Conversion: scales must be one of activations, spikes; got both"),
        (["method.scales=spikes", "method.percentile=99.0"], r"scales=spikes must go with .* got relu, 99.0 and False"),
        (["method.scales=spikes", "method.activation=clipped"], r"scales=spikes must go with .* got clipped, None and False"),
        (["method.scale_factor=0"], "Conversion: scale_factor must be positive; got 0.0"),
        (
            ["method.normalise=threshold", "method.bias_calibration=true"],
            "Conversion: bias_calibration must go with normalise=weight; got threshold",
        ),
        (
            ["method.normalise=spikingjelly", "method.scales=spikes"],
            "Conversion: normalise=spikingjelly must go with scales=activations and scale_factor=1, .*; got spikes and 1.0",
        ),
        (["method.normalise=spikingjelly", "method.initial=5"], "initial must be a share of the threshold"),
        (["method.normalise=threshold", "method.per_channel=true"], "per_channel must be false with normalise=threshold"),
        (["method.activation=clipped", "method.percentile=50"], "its ceiling is the scale; got weight, 50 and False"),
        (["method.activation=clipped", "method.normalise=spikingjelly"], "its ceiling is the scale; got spikingjelly"),
        (
            ["backbone=spikformer", "backbone.embed_dim=16", "backbone.heads=2"],
            "got MaxPool2d in stem.pool3.0; use average pooling .*, or another backbone, such as convnet, since",
        ),
        (
            ["metric=[anytime,decision,spikes_per_neuron,single_spike]"],
            "Conversion: metric must not need all steps at once, .*; got decision, single_spike; anytime",
        ),
    ],
)
def test_a_run_is_rejected_when_it_is_built(overrides, message):
    class Facts:
        shape, classes = SHAPE, 10

    with pytest.raises(Exception, match=message):
        build_method({**composed("method=conversion", *overrides).config, "budget": {"width": 0.1}}, Facts())

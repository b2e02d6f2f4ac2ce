"""Folded average pooling: the same outputs, and nothing but zeros and ones between the layers."""

import pytest
import torch
from spikingjelly.activation_based import functional
from torch import nn

from snnx.backbone.convnet import ConvNet
from snnx.backbone.fold import fold_average_pooling
from snnx.backbone.resnet import ResNet
from snnx.backbone.scnn import SCNN
from snnx.backbone.vgg import VGG
from snnx.init.ettfs import ETTFS
from snnx.neuron.ttfs import TTFS

SIZES = {SCNN: (1, 28, 28), ConvNet: (2, 16, 16), VGG: (3, 32, 32)}


@pytest.mark.parametrize("build", SIZES)
def test_same_outputs_from_binary_traffic(build):
    """In float64: another order of sums moves no potential across the threshold."""
    torch.manual_seed(0)
    shape = SIZES[build]
    net = build(neuron=lambda: TTFS(v_threshold=0.2), in_shape=shape, classes=10, width=0.25)
    ETTFS(timesteps=4, compensate_pool=True)(net)
    net.double().eval()
    x = torch.rand(4, 3, *shape, dtype=torch.float64)
    expected = net(x)
    functional.reset_net(net)
    folded = fold_average_pooling(net, shape)
    sent = []
    layers = [m for m in folded.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for layer in layers:
        layer.register_forward_hook(lambda m, given, _: sent.append(given[0].unique()))
    torch.testing.assert_close(folded(x), expected, rtol=1e-9, atol=1e-12)
    assert expected.std() > 0.1, "the network fires"
    assert len(sent) == len(layers)
    assert all(set(values.tolist()) <= {0.0, 1.0} for values in sent[1:]), "all but the image"
    assert torch.equal(net(x), expected), "the network itself is left as it was"


def test_relu_networks_fold_too():
    torch.manual_seed(0)
    net = SCNN(neuron=nn.ReLU, in_shape=(1, 20, 24), classes=10, width=0.5).double()
    x = torch.rand(2, 3, 1, 20, 24, dtype=torch.float64)
    torch.testing.assert_close(fold_average_pooling(net, (1, 20, 24))(x), net(x), rtol=1e-9, atol=1e-12)


def test_poolings_that_overlap_stay():
    net = ResNet(neuron=TTFS, in_shape=(3, 32, 32), classes=10, width=0.1, stem="imagenet", stem_pool="avg")
    folded = fold_average_pooling(net, (3, 32, 32))
    assert isinstance(folded.stem_pool, nn.AvgPool2d)
    assert [m.kernel_size for m in folded.modules() if isinstance(m, nn.Conv2d)] == [
        m.kernel_size for m in net.modules() if isinstance(m, nn.Conv2d)
    ]


def test_sides_that_do_not_divide():
    net = ConvNet(neuron=TTFS, in_shape=(1, 9, 8), classes=2)
    with pytest.raises(ValueError, match="fold_average_pooling: 2 must divide the sides of what is pooled; got 9x8"):
        fold_average_pooling(net, (1, 9, 8))

"""Folded average pooling: the outputs stay the same, and layers receive only zeros and ones."""

import pytest
import torch
from spikingjelly.activation_based import functional
from spikingjelly.activation_based.layer import SeqToANNContainer
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
def test_outputs_are_the_same_and_inputs_are_binary(build):
    """In float64, where another order of summation does not move a potential across the threshold."""
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


def test_a_relu_network_is_folded_too():
    torch.manual_seed(0)
    net = SCNN(neuron=nn.ReLU, in_shape=(1, 20, 24), classes=10, width=0.5).double()
    x = torch.rand(2, 3, 1, 20, 24, dtype=torch.float64)
    torch.testing.assert_close(fold_average_pooling(net, (1, 20, 24))(x), net(x), rtol=1e-9, atol=1e-12)


def test_overlapping_poolings_stay():
    net = ResNet(neuron=TTFS, in_shape=(3, 32, 32), classes=10, width=0.1, stem="imagenet", stem_pool="avg")
    folded = fold_average_pooling(net, (3, 32, 32))
    assert isinstance(folded.stem_pool, nn.AvgPool2d)
    assert [m.kernel_size for m in folded.modules() if isinstance(m, nn.Conv2d)] == [
        m.kernel_size for m in net.modules() if isinstance(m, nn.Conv2d)
    ]


def chained(pool: nn.AvgPool2d, *read: nn.Module) -> nn.Sequential:
    return nn.Sequential(SeqToANNContainer(pool, *read)).double()


CONV = nn.Conv2d(2, 3, 3, padding=1)


@pytest.mark.parametrize(
    ("pool", "read"),
    [
        (nn.AvgPool2d(2, divisor_override=3), [CONV]),
        (nn.AvgPool2d((2, 1)), [CONV]),
        (nn.AvgPool2d((1, 2)), [nn.Flatten(), nn.Linear(64, 3)]),
        (nn.AvgPool2d(2, stride=1), [CONV]),
        (nn.AvgPool2d(2, padding=1), [CONV]),
        (nn.AvgPool2d(2), [nn.Conv2d(2, 3, 3, dilation=2, padding=2)]),
        (nn.AvgPool2d(2), [nn.Conv2d(2, 3, 3, padding="same")]),
        (nn.AvgPool2d(2), [nn.Conv2d(2, 3, 3, padding=1, padding_mode="replicate")]),
    ],
    ids=["divisor", "rectangle", "rectangle to linear", "overlap", "padded", "dilation", "by name", "by values"],
)
def test_pairs_that_cannot_be_one_wide_layer_stay(pool, read):
    net = chained(pool, *read)
    folded = fold_average_pooling(net, (2, 8, 8))
    assert [type(m) for m in folded.modules()] == [type(m) for m in net.modules()]
    x = torch.rand(2, 3, 2, 8, 8, dtype=torch.float64)
    assert torch.equal(folded(x), net(x))


@pytest.mark.parametrize("pool", [nn.AvgPool2d((2, 2), stride=2), nn.AvgPool2d(2, padding=(0, 0)), nn.AvgPool2d(4)])
@pytest.mark.parametrize("conv", [nn.Conv2d(2, 4, (3, 1), stride=(1, 2), padding=(2, 0)), nn.Conv2d(2, 4, 2, groups=2)])
def test_square_poolings_are_folded_however_they_are_written(pool, conv):
    net = chained(pool, conv)
    folded = fold_average_pooling(net, (2, 8, 16))
    assert not any(isinstance(m, nn.AvgPool2d) for m in folded.modules())
    x = torch.rand(2, 3, 2, 8, 16, dtype=torch.float64)
    torch.testing.assert_close(folded(x), net(x), rtol=1e-9, atol=1e-12)


def test_a_side_that_is_not_a_multiple_is_rejected():
    net = ConvNet(neuron=TTFS, in_shape=(1, 9, 8), classes=2)
    with pytest.raises(ValueError, match="fold_average_pooling: 2 must divide the sides of the pooled map; got 9x8"):
        fold_average_pooling(net, (1, 9, 8))


@pytest.mark.parametrize(
    "between", [TTFS(v_threshold=0.3), SeqToANNContainer(nn.MaxPool2d(2)), SeqToANNContainer(nn.BatchNorm2d(2))]
)
def test_poolings_before_another_kind_of_layer_stay(between):
    """A neuron, a max pooling or a norm after the pooling cannot be widened."""
    torch.manual_seed(0)
    net = nn.Sequential(chained(nn.AvgPool2d(2)), between, SeqToANNContainer(nn.Conv2d(2, 3, 2))).double().eval()
    x = torch.rand(3, 2, 2, 8, 8, dtype=torch.float64)
    folded = fold_average_pooling(net, (2, 8, 8))
    assert any(isinstance(module, nn.AvgPool2d) for module in folded.modules())
    functional.reset_net(net)
    torch.testing.assert_close(folded(x), net(x))


class Branches(nn.Module):
    """A network in which two convolutions read one pooling, or one convolution reads two."""

    def __init__(self, shared: bool) -> None:
        super().__init__()
        self.pools = nn.ModuleList(nn.AvgPool2d(2) for _ in range(1 if shared else 2))
        self.convs = nn.ModuleList(nn.Conv2d(2, 3, 3, padding=1) for _ in range(2 if shared else 1))

    def forward(self, x):
        x = x.flatten(0, 1)
        means = [pool(x) for pool in self.pools]
        return sum(conv(mean) for conv in self.convs for mean in means)


@pytest.mark.parametrize("shared", [True, False])
def test_shared_poolings_and_convolutions_stay(shared):
    torch.manual_seed(0)
    net = Branches(shared).double()
    x = torch.rand(2, 3, 2, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(fold_average_pooling(net, (2, 8, 8))(x), net(x))


def test_a_pooling_followed_by_a_sum_stays():
    """The next layer does not read the pooling's output itself, but a sum that is not a layer."""

    class Added(nn.Module):
        def __init__(self):
            super().__init__()
            self.pool, self.conv = nn.AvgPool2d(2), nn.Conv2d(2, 3, 3, padding=1)

        def forward(self, x):
            x = x.flatten(0, 1)
            return self.conv(self.pool(x) + x[..., ::2, ::2])

    torch.manual_seed(0)
    net = Added().double()
    x = torch.rand(2, 3, 2, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(fold_average_pooling(net, (2, 8, 8))(x), net(x))

"""ResNet equals torchvision's, and VGG has the numbers of neurons printed in papers."""

from functools import partial

import pytest
import torch
import torchvision
from torch import nn

from snnx.backbone.resnet import ResNet
from snnx.backbone.vgg import VGG
from snnx.init.ettfs import ETTFS
from snnx.neuron.if_ import IF
from snnx.neuron.lif import LIF
from snnx.neuron.ttfs import TTFS
from snnx.norm.none import NoNorm


@pytest.mark.parametrize("depth", [18, 34])
def test_a_relu_resnet_equals_torchvisions(depth):
    """Torchvision's state dict loads and gives the same scores, with one time step."""
    torch.manual_seed(0)
    theirs = getattr(torchvision.models, f"resnet{depth}")(num_classes=1000).eval()
    ours = ResNet(neuron=nn.ReLU, in_shape=(3, 64, 64), classes=1000, depth=depth, stem="imagenet", stem_pool="max").eval()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(ours(x[None])[0], theirs(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("depth", "hidden", "neurons"), [(16, [4096, 4096], 284_682), (11, [4096, 4096], 159_754), (11, [512, 512], 152_586)]
)
def test_vgg_neuron_counts(depth, hidden, neurons):
    """The numbers that Temporal-Coded SNNs with Dynamic Firing Threshold prints, including the 10 outputs."""
    found = []

    class Counted(nn.Identity):
        def forward(self, x):
            found.append(x[0, 0].numel())
            return x

    with torch.device("meta"):
        net = VGG(
            neuron=Counted, in_shape=(3, 32, 32), classes=10, depth=depth, hidden=hidden, norm=False, bias=False, pool="max"
        )
        net(torch.empty(1, 1, 3, 32, 32))
    assert sum(found) + 10 == neurons


@pytest.mark.parametrize(("classes", "parameters"), [(10, 12_630_858), (100, 12_653_988)])
def test_resnet_19_has_the_size_of_the_published_network(classes, parameters):
    """The 12.63 million that TET, tdBN and the papers that compare with them print."""
    with torch.device("meta"):
        net = ResNet(neuron=nn.ReLU, in_shape=(3, 32, 32), classes=classes, depth=19)
    assert sum(p.numel() for p in net.parameters()) == parameters
    weighted = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear) and getattr(m, "kernel_size", 0) != (1, 1)]
    assert len(weighted) == 19


def test_resnet_19_halves_the_image_twice_and_fires_before_its_last_layer():
    net = ResNet(neuron=LIF, in_shape=(3, 32, 32), classes=10, depth=19, width=0.1)
    shapes = []
    for name in net.stages:
        net.get_submodule(name).register_forward_hook(lambda module, given, made: shapes.append(list(made.shape[2:])))
    net(torch.rand(2, 2, 3, 32, 32))
    assert shapes == [[13, 32, 32], [26, 16, 16], [51, 8, 8]]
    assert [type(module) for module in net.hidden] == [nn.Linear, LIF]


@pytest.mark.parametrize("build", [VGG, partial(ResNet, depth=19), ResNet])
def test_it_trains_and_width_changes_its_size(build):
    narrow = build(neuron=LIF, in_shape=(3, 32, 32), classes=10, width=0.1)
    wide = build(neuron=LIF, in_shape=(3, 32, 32), classes=10, width=0.2)
    narrow(torch.rand(2, 2, 3, 32, 32)).sum().backward()
    assert all(p.grad is not None for p in narrow.parameters())
    assert sum(p.numel() for p in narrow.parameters()) < sum(p.numel() for p in wide.parameters())


@pytest.mark.parametrize("build", [partial(VGG, norm=False), ResNet])
def test_it_trains_with_neurons_that_fire_once(build):
    """Every weight gets a gradient, the first layer's included, through blocks and shortcuts."""
    torch.manual_seed(0)
    net = build(neuron=partial(TTFS, v_threshold=0.25), in_shape=(3, 32, 32), classes=10, width=0.25)
    ETTFS(timesteps=4)(net)  # for a threshold of 1; at 0.25 the last layers of this narrow network fire, too
    fired = []
    for node in net.modules():
        if isinstance(node, TTFS):
            node.probe = lambda h, s: fired.append(s.sum(0).max())
    scores = net(torch.rand(1, 2, 3, 32, 32).expand(4, 2, 3, 32, 32)).sum(0)
    nn.functional.cross_entropy(scores, torch.tensor([0, 1])).backward()
    assert len(fired) > 8
    assert max(fired) == 1
    assert all(p.grad.abs().max() > 0 for p in net.parameters() if p.dim() > 1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: VGG(neuron=LIF, in_shape=(1, 28, 28), classes=2),
            "VGG: in_shape must be at least 32x32.*; got 28x28; choose backbone=scnn",
        ),
        (lambda: VGG(neuron=LIF, in_shape=(1, 32, 32), classes=2, depth=13), "VGG: depth must be one of 11, 16; got 13"),
        (lambda: VGG(neuron=LIF, in_shape=(1, 32, 32), classes=2, pool="min"), "VGG: pool must be one of avg, max; got min"),
        (
            lambda: ResNet(neuron=LIF, in_shape=(1, 32, 32), classes=2, depth=50),
            "ResNet: depth must be one of 18, 19, 34; got 50",
        ),
        (lambda: ResNet(neuron=LIF, in_shape=(1, 32, 32), classes=2, stem="x"), "ResNet: stem must be one of imagenet, cifar"),
        (
            lambda: ResNet(neuron=LIF, in_shape=(1, 32, 32), classes=2, stem_pool="max"),
            "ResNet: stem_pool must be none with stem=cifar; got max",
        ),
    ],
)
def test_bad_values(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("neuron", [IF, nn.ReLU])
def test_with_a_zero_residual_each_block_starts_as_its_shortcut(neuron):
    """A neuron with a threshold of 1 passes spikes on, as ReLU does with any activation."""
    torch.manual_seed(0)
    net = ResNet(neuron=neuron, in_shape=(3, 32, 32), classes=10, width=0.1, zero_residual=True)
    seen = {}
    for name in ("layer1.0", "layer1.1"):
        net.get_submodule(name).register_forward_hook(lambda block, given, y, name=name: seen.update({name: (given[0], y)}))
    net(2 * torch.rand(3, 2, 3, 32, 32))
    for given, y in seen.values():
        assert given.any()
        assert torch.equal(given, y)
    plain = ResNet(neuron=neuron, in_shape=(3, 32, 32), classes=10, width=0.1)
    assert plain.layer1[0].bn2.weight.all()


def test_a_zero_residual_needs_a_norm_with_a_scale():
    with pytest.raises(ValueError, match=r"^ResNet: zero_residual needs a norm with a scale for each channel, .*; got NoNorm$"):
        ResNet(neuron=LIF, in_shape=(3, 32, 32), classes=10, width=0.1, norm=NoNorm, zero_residual=True)

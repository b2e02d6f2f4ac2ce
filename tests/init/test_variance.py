"""Variance of the currents that drawn weights give for inputs that fire once: the law, where it fails, and the correction."""

import pytest
import torch
from composing import composed
from hydra.utils import instantiate
from torch import nn

from snnx.backbone.fold import fold_average_pooling
from snnx.backbone.mlp import MLP
from snnx.backbone.resnet import ResNet
from snnx.backbone.scnn import SCNN
from snnx.backbone.vgg import VGG
from snnx.conversion.fold_norm import fold_norm
from snnx.dataset.fashion_mnist import FashionMNIST
from snnx.init.ettfs import ETTFS, pooled
from snnx.init.init import Init, WeightedLayer, weighted_layers
from snnx.init.kaiming import Kaiming
from snnx.init.xavier import Xavier
from snnx.neuron.ttfs import TTFS
from snnx.quantization.symmetric import Symmetric
from snnx.run.build import build_method

N, OUT, SAMPLES = 784, 2000, 16


class Facts:
    shape, classes = (1, 28, 28), 10


def one_spike_each(timesteps: int, *shape: int) -> torch.Tensor:
    """Spikes `[T, *shape]` in which every input fires once, at an independent uniform time."""
    return nn.functional.one_hot(torch.randint(timesteps, shape), timesteps).movedim(-1, 0).float()


def current_variance(init: Init, timesteps: int) -> float:
    """The variance of the current over all steps and 32,000 outputs."""
    layer = nn.Linear(N, OUT)
    init(layer)
    return layer(one_spike_each(timesteps, SAMPLES, N)).var().item()


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
@pytest.mark.parametrize("timesteps", [4, 8, 16])
def test_currents_have_unit_variance_and_under_kaiming_two_over_t(timesteps, distribution):
    """ETTFS, Eqs 12 and 20. The variance of at most 256,000 correlated currents scatters by about 1 %; the bound is 5 %."""
    torch.manual_seed(timesteps)
    assert current_variance(ETTFS(timesteps=timesteps, distribution=distribution), timesteps) == pytest.approx(1, rel=0.05)
    assert current_variance(Kaiming(distribution=distribution), timesteps) == pytest.approx(2 / timesteps, rel=0.05)


def test_the_gain_of_kaiming_scales_the_standard_deviation():
    """A gain of 1/sqrt(6) gives PyTorch's own variance, `1/(3 fan_in)`; 800,000 weights scatter by 0.2 %, the bound is 1 %."""
    torch.manual_seed(0)
    layer, theirs = nn.Linear(800, 1000, bias=False), nn.Linear(800, 1000, bias=False)
    Kaiming(gain=6**-0.5)(layer)
    assert layer.weight.var().item() == pytest.approx(theirs.weight.var().item(), rel=0.01)
    torch.manual_seed(1)
    Kaiming()(layer)
    plain = layer.weight.clone()
    torch.manual_seed(1)
    Kaiming(gain=2.0)(layer)
    torch.testing.assert_close(layer.weight, 2 * plain)


def test_the_further_gain_of_convolutions_leaves_linear_layers():
    """TSSL-BP's convolutions have 5 times the weights of PyTorch's own draw: U(-5/sqrt(fan_in), 5/sqrt(fan_in))."""
    torch.manual_seed(0)
    convolution, linear = nn.Conv2d(20, 100, 3), nn.Linear(180, 100)
    for layer in (convolution, linear):
        Kaiming(conv_gain=(25 / 6) ** 0.5)(layer)
    assert 0.98 * 5 < convolution.weight.abs().max().item() * 180**0.5 <= 5
    assert 0.98 * 6**0.5 < linear.weight.abs().max().item() * 180**0.5 <= 6**0.5


@pytest.mark.parametrize("layer", [nn.Conv2d(3, 64, 3), nn.Conv2d(8, 12, 3, groups=4), nn.Linear(30, 20)], ids=repr)
@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_xavier_draws_as_torch_does(layer, distribution):
    torch.manual_seed(0)
    Xavier(distribution=distribution, gain=2)(layer)
    found = layer.weight.detach().clone()
    torch.manual_seed(0)
    {"uniform": nn.init.xavier_uniform_, "normal": nn.init.xavier_normal_}[distribution](layer.weight, gain=2)
    torch.testing.assert_close(found, layer.weight.detach())
    assert layer.bias.eq(0).all()


@pytest.mark.parametrize("gain", [0.0, -1.0, float("inf")])
def test_a_gain_of_xavier_that_is_not_positive_is_rejected(gain):
    with pytest.raises(ValueError, match=f"^Xavier: gain must be positive and finite; got {gain}$"):
        Xavier(gain=gain)


@pytest.mark.parametrize("name", ["gain", "conv_gain"])
def test_a_gain_that_is_not_positive_is_rejected(name):
    with pytest.raises(ValueError, match=rf"Kaiming: {name} must be positive and finite; got 0.0"):
        Kaiming(**{name: 0.0})


def test_the_threshold_scales_the_current():
    torch.manual_seed(0)
    assert current_variance(ETTFS(timesteps=4, v_threshold=0.5), 4) == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize("pool", [nn.AvgPool2d(2), nn.MaxPool2d(2)])
@pytest.mark.parametrize("timesteps", [4, 8, 16])
def test_after_a_pooling_only_the_corrected_law_gives_unit_variance(timesteps, pool):
    """The current of a linear layer with 3136 inputs, 16 channels of 14x14 pooled windows."""
    torch.manual_seed(timesteps)
    table = {nn.AvgPool2d: (0.44, 0.34, 0.30), nn.MaxPool2d: (2.7, 3.3, 3.6)}[type(pool)][(4, 8, 16).index(timesteps)]
    spikes = one_spike_each(timesteps, 8, 16, 28, 28)
    if isinstance(pool, nn.MaxPool2d):  # weights have zero mean, so the variance is that of the input's mean square
        assert pooled(pool, timesteps) == pytest.approx(table, abs=0.05)
    x = pool(spikes.flatten(0, 1)).unflatten(0, (timesteps, 8)).flatten(2)
    net = nn.Sequential(nn.Conv2d(1, 1, 1), pool, nn.Linear(x.shape[-1], OUT))
    for compensate, expected in ((False, table), (True, 1.0)):
        ETTFS(timesteps=timesteps, compensate_pool=compensate)(net)
        assert net[2](x).var().item() == pytest.approx(expected, rel=0.05)


def test_input_power_gives_the_first_layer_unit_variance():
    """The input is an image repeated at every step; for Fashion-MNIST `input_power` would be mean^2 + std^2 = 0.2065."""
    power = FashionMNIST.mean[0] ** 2 + FashionMNIST.std[0] ** 2
    torch.manual_seed(0)
    images = torch.rand(64, 784) * (torch.rand(64, 784) < 0.6)
    layer = nn.Linear(784, OUT)
    ETTFS(timesteps=8, input_power=images.square().mean().item())(layer)
    assert layer(images).var().item() == pytest.approx(1, rel=0.05)
    assert power == pytest.approx(0.2065, abs=1e-3)


@pytest.mark.parametrize(
    ("build", "shape"), [(MLP, (1, 28, 28)), (SCNN, (1, 28, 28)), (VGG, (3, 32, 32)), (ResNet, (3, 32, 32))]
)
@pytest.mark.parametrize("init", [Kaiming(), ETTFS(timesteps=8)])
def test_every_layer_of_a_backbone_is_drawn(build, shape, init):
    torch.manual_seed(0)
    net = build(neuron=TTFS, in_shape=shape, classes=10, width=0.5)
    init(net)
    drawn = list(weighted_layers(net))
    assert drawn[0].first
    assert not any(layer.first for layer in drawn[1:])
    assert {id(layer.module) for layer in drawn} == {id(m) for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    for layer in drawn:
        if layer.module.weight.numel() > 10_000:
            assert layer.module.weight.var().item() == pytest.approx(init.variance(layer), rel=0.05)
        assert layer.module.bias is None or not layer.module.bias.any()


def test_weighted_layers_finds_the_layers_after_a_pooling():
    net = SCNN(neuron=TTFS, in_shape=(1, 28, 28), classes=10)
    assert [layer.pool is not None for layer in weighted_layers(net)] == [False, True, True, False, False]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Kaiming(distribution="cauchy"), "Kaiming: distribution must be one of uniform, normal; got cauchy"),
        (lambda: ETTFS(timesteps=0), "ETTFS: timesteps must be at least 1; got 0"),
        (
            lambda: ETTFS(timesteps=8, compensate_pool=True)(nn.Linear(2, 2)),
            "ETTFS: compensate_pool must be false for a network in which no layer follows a pooling; got true",
        ),
        (lambda: ETTFS(timesteps=8, v_threshold=0), "ETTFS: v_threshold must be positive and finite; got 0"),
        (lambda: ETTFS(timesteps=8, input_power=0), "ETTFS: input_power must be positive and finite, .*; got 0"),
        (lambda: Init().variance(WeightedLayer(nn.Linear(1, 1), 1, None, True)), r"Init must implement variance\(layer\)"),
    ],
)
def test_bad_values(build, message):
    with pytest.raises((ValueError, NotImplementedError), match=message):
        build()


def test_a_run_draws_weights_as_its_options_say():
    """By default Var(w) = v_threshold^2 T / N, uniform and without corrections."""
    words = ("backbone=mlp", "backbone.hidden=[400]", "timesteps=6", "neuron.v_threshold=0.5")
    config = composed("init=ettfs", *words).config
    init = instantiate(config["init"])
    assert (init.timesteps, init.v_threshold, init.distribution) == (6, 0.5, "uniform")
    assert (init.compensate_pool, init.input_power) == (False, None)
    weight = build_method(config, Facts()).backbone.out.weight
    assert weight.abs().max() <= 3**0.5 * 0.5 * (6 / 400) ** 0.5
    assert weight.var().item() == pytest.approx(0.25 * 6 / 400, rel=0.1)  # 4,000 uniform draws: 0.1 is seven deviations


def test_standardised_weights_keep_their_law_while_they_are_trained():
    """Per output, mean 0 and Var(w) = T / fan_in times the square of its gain, whatever the parameters are."""
    torch.manual_seed(0)
    net = MLP(neuron=TTFS, in_shape=(1, 28, 28), classes=10, hidden=[50])
    ETTFS(timesteps=8, standardise=True)(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    net(torch.rand(8, 4, 1, 28, 28)).square().mean().backward()
    optimizer.step()
    for layer in weighted_layers(net):
        made = layer.module.parametrizations.weight
        var, mean = torch.var_mean(layer.module.weight, dim=1, correction=0)
        assert mean.abs().max() < 1e-6
        torch.testing.assert_close(var, made[0].gain.square() * 8 / layer.fan_in)
        assert made.original.grad.abs().max() > 0
        assert not torch.allclose(made[0].gain, torch.ones(())), "the gain learns"


def test_the_same_weights_are_drawn_whether_they_are_standardised_or_not():
    drawn = []
    for standardise in (False, True):
        torch.manual_seed(0)
        layer = nn.Linear(N, OUT)
        ETTFS(timesteps=8, standardise=standardise)(layer)
        drawn.append(layer.weight.detach())
    assert not torch.equal(*drawn)
    torch.testing.assert_close(*drawn, atol=0.03, rtol=0)  # 784 draws: their mean and deviation are those of the law, nearly


@pytest.mark.parametrize("fold", [lambda net: fold_norm(net, (1, 28, 28)), lambda net: fold_average_pooling(net, (1, 28, 28))])
def test_a_folded_network_has_plain_weights(fold):
    torch.manual_seed(0)
    net = SCNN(neuron=TTFS, in_shape=(1, 28, 28), classes=10, width=0.25).eval()
    ETTFS(timesteps=8, standardise=True)(net)
    folded, x = fold(net), torch.rand(8, 2, 1, 28, 28)
    assert not any("original" in name for name, _ in folded.named_parameters())
    torch.testing.assert_close(folded(x), net(x))


def test_standardised_weights_cannot_be_rounded_to_bits():
    net = nn.Sequential(nn.Linear(4, 2))
    ETTFS(timesteps=8, standardise=True)(net)
    message = "^Symmetric: weights must be parameters; got computed ones; set init.standardise=false$"
    with pytest.raises(ValueError, match=message), Symmetric(bits=[4]).applied(net, 4):
        pass

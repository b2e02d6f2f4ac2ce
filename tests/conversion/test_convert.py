"""A converted network against the original: identities of the paper, and choices that must not change the result."""

import copy

import pytest
import torch
from converting import SHAPE, images, network
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from snnx.backbone.resnet import BasicBlock
from snnx.conversion.calibrate import calibrate
from snnx.conversion.convert import Gain, convert
from snnx.conversion.fold_norm import fold_norm
from snnx.conversion.links import Link, links
from snnx.layer.clipped import Clipped
from snnx.neuron.if_ import IF

TWO_LAYERS = {"0": Link(None, "1"), "2": Link("1", None)}
KINDS = ["resnet", "vgg", "convnet"]


def converted(net, shape=SHAPE, sample=None, percentile=None, per_channel=False, stretch=1.0, **how):
    folded = fold_norm(net, shape)
    scales = calibrate(
        folded, lambda: [images(16, 2) if sample is None else sample], percentile=percentile, per_channel=per_channel
    )
    return convert(folded, links(folded, shape), {name: stretch * scale for name, scale in scales.items()}, **how)


def test_scales_and_weights_stay_on_their_gpu():
    """Fake tensors have a device and a shape, but need no GPU and no memory."""
    with FakeTensorMode():
        net = nn.Sequential(nn.Conv2d(1, 4, 3, device="cuda"), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2, device="cuda"))
        scales = {"1": torch.full((), 2.0, device="cuda")}
        convert(net, {"0": Link(None, "1"), "3": Link("1", None)}, scales)
        assert {parameter.device.type for parameter in net.parameters()} == {"cuda"}


def spikes(snn, current):
    seen = {}
    for name, module in snn.named_modules():
        if isinstance(module, IF):
            module.probe = lambda h, s, name=name: seen.update({name: s})
    return snn(current), seen


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, 63), st.integers(1, 200))
def test_rate_identity(numerator, steps):
    """r = z/theta - (V_T - V_0)/(T theta) is exact for dyadic currents; for z = 0.375 and T = 100: 37 spikes, V_T = 0.5."""
    z, neuron = numerator / 64, IF(v_reset=None)
    rate = neuron(torch.full((steps, 1), z, dtype=torch.float64)).mean().item()
    assert rate == pytest.approx(z - neuron.v.item() / steps, abs=1e-12)
    golden = IF(v_reset=None)
    assert (int(golden(torch.full((100, 1), 0.375)).sum()), golden.v.item()) == (37, 0.5)


@pytest.mark.parametrize("initial", [0.0, 0.5])
def test_first_layer_is_within_one_spike(initial):
    """Without bias, after T steps the rate is off by at most 1/T, or 1/(2T) if it starts at half the threshold."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 30, bias=False), nn.ReLU(), nn.Linear(30, 2, bias=False)).double()
    x = torch.rand(50, 20, dtype=torch.float64)
    target = net[:2](x)
    snn = convert(net, TWO_LAYERS, {"1": target.max()}, initial=initial)
    for steps in (10, 100, 333):
        snn[1].reset()
        rate = snn[:2](x.expand(steps, 50, 20)).mean(0)
        bound = (1 - initial) / steps + 1e-6
        assert (rate - target / target.max()).abs().max() <= bound


@pytest.mark.parametrize("kind", KINDS)
def test_weights_or_thresholds_give_the_same_spikes(kind):
    """Every spike is the same in float64. Scales are stretched a little, since at the maximum itself rounding would decide."""
    net = network(kind)
    current = images().expand(60, 8, *SHAPE)
    how = {"stretch": 1.0371}
    (out_w, by_weight), (out_t, by_threshold) = (
        spikes(converted(net, by=by, **how), current) for by in ("weight", "threshold")
    )
    assert list(by_weight) == list(by_threshold)
    assert all(0 < s.mean() < 1 for s in by_weight.values())
    assert all(torch.equal(by_weight[name], by_threshold[name]) for name in by_weight)
    torch.testing.assert_close(out_w, out_t)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_approach_the_scores_of_the_network(kind, per_channel):
    """With 16 times the steps, the error of the mean output is at least 5 times smaller, and below 2 % of the scores."""
    net, x = network(kind), images()
    snn = converted(net, sample=x, per_channel=per_channel, initial=0.5)
    wanted, total, errors = net(x[None])[0], 0, {}
    for steps in range(50, 801, 50):
        total = total + snn(x.expand(50, 8, *SHAPE)).sum(0)
        errors[steps] = (total / steps - wanted).abs().mean().item()
    assert errors[800] < errors[50] / 5
    assert errors[800] < 0.02 * wanted.abs().mean()


@pytest.mark.parametrize("projected", [False, True])
def test_the_gain_of_a_shortcut_is_the_ratio_of_scales(projected):
    """The scales at the two ends differ: with the gain, the rates are right; with a gain of 1, they are not."""
    torch.manual_seed(0)
    net = nn.Sequential(
        Stem(), BasicBlock(4, 8 if projected else 4, 2 if projected else 1, nn.ReLU), Mean(8 if projected else 4)
    )
    net = net.double()
    with torch.no_grad():
        net[0].conv.weight.mul_(0.3)
        net[1].bn2.weight.mul_(3.0)
    for _ in range(20):
        net(images(8)[None, ..., :8, :8])
    net.eval()
    x = images(4)[..., :8, :8]
    snn = converted(net, shape=(3, 8, 8), sample=x)
    target = {}
    for name in ("0.act", "1.sn2"):
        net.get_submodule(name).register_forward_hook(lambda m, i, y, name=name: target.update({name: y[0].detach()}))
    net(x[None])
    scale = {name: y.max() for name, y in target.items()}
    assert abs(scale["0.act"] / scale["1.sn2"] - 1) > 0.2
    rates = {}
    for _ in range(8):
        _, seen = spikes(snn, x.expand(250, *x.shape))
        rates = {name: rates.get(name, 0) + s.mean(0) / 8 for name, s in seen.items()}
    assert (rates["1.sn2"] - target["1.sn2"] / scale["1.sn2"]).abs().max() < 0.02
    if not projected:
        assert snn[1].downsample.gain.item() == pytest.approx((scale["0.act"] / scale["1.sn2"]).item(), rel=1e-6)
        snn[1].downsample = Gain(torch.ones(1).double())
        for module in snn.modules():
            if isinstance(module, IF):
                module.reset()
        _, seen = spikes(snn, x.expand(500, *x.shape))
        assert (seen["1.sn2"].mean(0) - target["1.sn2"] / scale["1.sn2"]).abs().max() > 0.1


class Stem(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.act = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU()

    def forward(self, x):
        return self.act(self.conv(x.flatten(0, 1)).unflatten(0, x.shape[:2]))


class Mean(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.fc = nn.Linear(channels, 3)

    def forward(self, x):
        return self.fc(x.mean((3, 4)))


@pytest.mark.parametrize("kind", KINDS)
def test_folding_the_norms_keeps_the_outputs(kind):
    net = network(kind)
    folded = fold_norm(net, SHAPE)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    torch.testing.assert_close(folded(images()[None]), net(images()[None]))


def test_after_as_many_steps_as_levels_spikes_equal_the_clipped_network():
    """One layer: with the ceiling as threshold and half of it at the start, the mean output is the rounded activation."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 40), Clipped(levels=16, ceiling=0.7), nn.Linear(40, 3)).double()
    x = torch.randn(30, 6, dtype=torch.float64)
    wanted = net(x)
    scales = calibrate(net, lambda: [x])
    assert scales["1"].item() == pytest.approx(0.7)
    snn = convert(net, TWO_LAYERS, scales, initial=0.5)
    torch.testing.assert_close(snn(x.expand(16, 30, 6)).mean(0), wanted)


def test_both_end_bins_of_a_clipped_activation_learn():
    """Golden: x = 0.05 is rounded to 0 and x = 0.95 to 1; both are between 0 and the ceiling, so their gradient is 1."""
    clipped = Clipped(levels=4, ceiling=1.0)
    x = torch.tensor([-0.05, 0.05, 0.95, 1.05], requires_grad=True)
    y = clipped(x)
    assert y.tolist() == [0.0, 0.0, 1.0, 1.0]
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 0.0]
    assert clipped.ceiling.grad.item() == pytest.approx((0 - 0.05) + (1 - 0.95) + 1)


def test_the_gradient_of_the_ceiling():
    clipped = Clipped(levels=4, ceiling=1.0)
    x = torch.tensor([0.3, 5.0], requires_grad=True)
    clipped(x).sum().backward()
    assert x.grad.tolist() == [1.0, 0.0]
    assert clipped.ceiling.grad.item() == pytest.approx(0.25 - 0.3 + 1.0)  # 1 for x = 5, else y - x


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Clipped(levels=0), "Clipped: levels must be at least 1, or null to not round; got 0"),
        (lambda: Clipped(ceiling=0), "Clipped: ceiling must be positive; got 0"),
        (lambda: converted(network("convnet"), by="none"), "convert: by must be weight or threshold; got none"),
        (lambda: converted(network("convnet"), initial=1.0), r"convert: initial must be a share of the threshold in \[0, 1\)"),
        (
            lambda: converted(network("convnet"), by="threshold", per_channel=True),
            "convert: per_channel must be false with normalise=threshold, since a layer has one threshold",
        ),
    ],
)
def test_bad_values(call, message):
    with pytest.raises(ValueError, match=message):
        call()


class Grouped(nn.Module):
    """Convolutions in groups, of which the last one reads and writes each channel by itself."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, padding=1, groups=groups), nn.ReLU(),
            nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.ReLU(), nn.AvgPool2d(4), nn.Flatten(), nn.Linear(64, 5),
        )  # fmt: skip

    def forward(self, x):
        for layer in self.layers:
            x = layer(x) if isinstance(layer, nn.ReLU | IF) else layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return x


@torch.no_grad()
@pytest.mark.parametrize("groups", [1, 2, 8])
def test_scales_by_channel_reach_the_kernels_of_their_group(groups):
    """Of a constant input, the mean of the scores over many steps approaches those of the original, layer by layer."""
    torch.manual_seed(0)
    net, sample = Grouped(groups).double().eval(), images(4)[..., :8, :8]
    snn = converted(copy.deepcopy(net), shape=(3, 8, 8), sample=sample, per_channel=True)
    expected = net(sample[None])[0]
    found = snn(sample.expand(1000, *sample.shape)).mean(0)
    assert (found - expected).abs().max() < 0.02 * expected.abs().max()

"""tdBN, TEBN, BNTT and the attention of TA-SNN equal the published equations, written here in a few lines of float64.

Values and gradients are compared.
"""

from functools import partial

import pytest
import torch
from composing import composed, option
from spikingjelly.activation_based import layer
from torch import Tensor, nn

from snnx.backbone.convnet import ConvNet
from snnx.compose.check import check
from snnx.conversion.fold_norm import fold_norm
from snnx.export.layer_chain import layer_chain
from snnx.metric.anytime import AnyTime
from snnx.metric.decision import Decision
from snnx.metric.early_exit import EarlyExit
from snnx.metric.energy import Energy
from snnx.metric.recorder import Recorder
from snnx.metric.relative_energy import RelativeEnergy
from snnx.neuron.lif import LIF
from snnx.norm.batch import Batch
from snnx.norm.bntt import BNTT
from snnx.norm.ta import TA
from snnx.norm.tdbn import TDBN
from snnx.norm.tebn import TEBN
from snnx.run.build import build_method

T, B, C = 4, 5, 3


def channels(values: Tensor) -> Tensor:
    """A value for each channel, as [1, 1, C, 1, 1]."""
    return values.view(1, 1, -1, 1, 1)


def normalised(x: Tensor, over: tuple[int, ...], eps: float) -> Tensor:
    mean = x.mean(over, keepdim=True)
    return (x - mean) / ((x - mean).square().mean(over, keepdim=True) + eps).sqrt()


def tdbn(x: Tensor, gamma: Tensor, beta: Tensor, scale: float) -> Tensor:
    return channels(gamma) * (scale * normalised(x, (0, 1, 3, 4), 1e-5)) + channels(beta)


def tebn(x: Tensor, factor: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    return factor.view(-1, 1, 1, 1, 1) * (channels(gamma) * normalised(x, (0, 1, 3, 4), 1e-5) + channels(beta))


def bntt(x: Tensor, *gammas: Tensor) -> Tensor:
    return torch.stack([gammas[t].view(1, -1, 1, 1) * normalised(x[t], (0, 2, 3), 1e-4) for t in range(T)])


def ta(x: Tensor, g: Tensor, b: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
    z = channels(g) * normalised(x, (0, 1, 3, 4), 1e-5) + channels(b)
    scored = []
    for sample in z.unbind(1):
        hidden = (w1 @ sample.mean((1, 2, 3)) + b1).clamp(min=0)
        scored.append(sample / (1 + torch.exp(-(w2 @ hidden + b2))).view(-1, 1, 1, 1))
    return torch.stack(scored, 1)


CASES = {
    "tdbn": (lambda: TDBN(C, v_threshold=0.5, alpha=0.8), lambda x, g, b: tdbn(x, g, b, 0.8 * 0.5)),
    "tdbn at a sum": (lambda: TDBN(C, v_threshold=0.5, meets_sum=True), lambda x, g, b: tdbn(x, g, b, 0.5 / 2**0.5)),
    "tebn": (lambda: TEBN(C, timesteps=T), lambda x, g, b, p: tebn(x, p, g, b)),
    "bntt": (lambda: BNTT(C, timesteps=T), bntt),
    "ta": (lambda: TA(C, timesteps=T, reduction=2), ta),
}


def with_parameters(norm: nn.Module) -> nn.Module:
    norm = norm.double()
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.add_(torch.randn_like(parameter))
    return norm


def in_order(norm: nn.Module) -> list[nn.Parameter]:
    """The parameters in the order in which the equations take them: gamma, beta, factor, or the gammas of the steps."""
    named = dict(norm.named_parameters())
    names = [name for name in ("parametrizations.weight.original", "weight", "bias", "scale") if name in named]
    return [named[name] for name in names or named]


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_the_equation(name):
    torch.manual_seed(0)
    make, equation = CASES[name]
    norm = with_parameters(make())
    x, weight = torch.randn(2, T, B, C, 6, 5, dtype=torch.float64)
    leaves = [x.clone().requires_grad_(), *(p.detach().clone().requires_grad_() for p in in_order(norm))]
    own = x.clone().requires_grad_()
    y, expected = norm(own), equation(*leaves)
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-12)
    (y * weight).sum().backward()
    (expected * weight).sum().backward()
    assert len(in_order(norm)) == len(list(norm.parameters()))
    for found, leaf in zip([own, *in_order(norm)], leaves, strict=True):
        torch.testing.assert_close(found.grad, leaf.grad, rtol=0, atol=1e-10)


def test_the_attention_of_ta_snn_may_come_before_average_pooling():
    """In its code the scores follow from pooled currents, which have the same mean."""
    torch.manual_seed(0)
    norm, x = with_parameters(TA(C, timesteps=T, reduction=2)), torch.randn(T, B, C, 6, 8, dtype=torch.float64)
    pool = layer.SeqToANNContainer(nn.AvgPool2d(2))
    z = pool(norm.bn(x))
    score = norm.excite(norm.squeeze(z.mean((2, 3, 4)).T).relu()).sigmoid().T
    torch.testing.assert_close(pool(norm(x)), z * score.view(T, B, 1, 1, 1), rtol=0, atol=1e-12)


def test_a_network_of_the_recipe_equals_ta_snn():
    """Three convolutions and two linear layers in the order of the code: norm, pooling, attention, neurons; then the error."""
    torch.manual_seed(0)
    run = composed("recipe=tasnn_gesture", "timesteps=4", "norm.reduction=2", "budget.width=0.05")
    method = build_method(run.config, type("Facts", (), {"shape": (2, 8, 8), "classes": 11})).double()
    net, steps = method.backbone, 4
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    frames, labels = 2 * torch.rand(3, steps, 2, 8, 8, dtype=torch.float64), torch.tensor([3, 0, 10])
    scores, loss = method.scores_and_loss(frames, labels)
    loss.backward()
    found = {name: parameter.grad for name, parameter in net.named_parameters()}
    net.zero_grad()

    def layer_of(x: Tensor, normed: nn.Module, pool: int = 1) -> Tensor:
        weighted, norm = normed
        x = weighted(x.flatten(0, 1))
        whole = tuple(i for i in range(x.ndim) if i != 1)
        mean = x.mean(whole, keepdim=True)
        shape = (1, -1, *[1] * (x.ndim - 2))
        x = (x - mean) / ((x - mean).square().mean(whole, keepdim=True) + 1e-5).sqrt()
        x = norm.bn.weight.view(shape) * x + norm.bn.bias.view(shape)
        x = nn.functional.avg_pool2d(x, pool).unflatten(0, (steps, 3)) if pool > 1 else x.unflatten(0, (steps, 3))
        score = norm.excite(norm.squeeze(x.flatten(2).mean(2).T).relu()).sigmoid().T
        left, spikes = 0.0, []
        for current in x * score.view(steps, 3, *[1] * (x.ndim - 2)):
            u = left + current
            s = (u >= 0.3).double() + 2 * ((u - 0.3).abs() < 0.25) * (u - u.detach())
            left = 0.3 * (s * 0.3 + (1 - s) * u)
            spikes.append(s)
        return torch.stack(spikes)

    x = layer_of(frames.transpose(0, 1), net.features.conv1)
    x = layer_of(layer_of(x, net.features.conv2, pool=2), net.features.conv3, pool=2)
    rates = layer_of(layer_of(x.flatten(2), net.classifier.fc1), net.classifier.out).mean(0)
    expected = ((rates - torch.eye(11, dtype=torch.float64)[labels]) ** 2).mean()
    assert 0.05 < rates.mean() < 0.95
    torch.testing.assert_close(scores, rates, rtol=0, atol=1e-12)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    expected.backward()
    for name, parameter in net.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, rtol=0, atol=1e-10)


def test_the_hidden_units_of_ta_snn_are_those_of_its_tables():
    """T // r: one for Gesture (T 30, r 16), two for CIFAR10-DVS (T 10, r 5), and at least one."""
    sizes = [TA(C, timesteps=steps, reduction=r).squeeze.out_features for steps, r in ((30, 16), (10, 5), (4, 16))]
    assert sizes == [1, 2, 1]


@pytest.mark.parametrize("metric", [AnyTime, Decision, EarlyExit, RelativeEnergy])
def test_a_norm_that_reads_later_steps_gives_no_answer_before_the_last(metric):
    net = ConvNet(neuron=LIF, in_shape=(1, 8, 8), classes=2, channels=[4], norm=partial(TA, timesteps=4))
    with pytest.raises(ValueError, match=f"{metric.__name__}: norm must not read later steps.*; got TA in stages.conv1"):
        Recorder(net, [metric()])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"timesteps": 0}, "^TA: timesteps must be at least 1; got 0$"),
        ({"timesteps": 4, "reduction": 0}, "^TA: reduction must be at least 1; got 0$"),
    ],
)
def test_bad_values_of_ta(arguments, message):
    with pytest.raises(ValueError, match=message):
        TA(C, **arguments)


def test_training_starts_with_a_gain_of_one_outside_of_the_threshold():
    norm = TDBN(2, v_threshold=0.5)
    assert {name: p.tolist() for name, p in norm.named_parameters()} == {
        "bias": [0.0, 0.0],
        "parametrizations.weight.original": [1.0, 1.0],
    }
    assert norm.weight.tolist() == [0.5, 0.5]
    assert TDBN(1, v_threshold=0.5, meets_sum=True).weight.item() == pytest.approx(0.5 / 2**0.5)


@pytest.mark.parametrize("train", [True, False])
def test_bntt_equals_spikingjellys_layer(train):
    """Also its running statistics, after two batches."""
    torch.manual_seed(0)
    ours, theirs = BNTT(C, timesteps=T), layer.BatchNormThroughTime2d(T, C, eps=1e-4, step_mode="m")
    for _ in range(2):
        x = torch.randn(T, B, C, 6, 5)
        ours(x), theirs(x)
        theirs.reset()
    x = torch.randn(T, B, C, 6, 5)
    assert torch.equal(ours.train(train)(x), theirs.train(train)(x))
    assert all(torch.equal(a, b) for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True))


@pytest.mark.parametrize("meets_sum", [False, True])
def test_tdbn_is_folded(meets_sum):
    torch.manual_seed(0)
    norm = with_parameters(TDBN(4, v_threshold=0.7, meets_sum=meets_sum))
    net = nn.Sequential(layer.SeqToANNContainer(nn.Conv2d(3, 4, 3)), norm, nn.Flatten(2), nn.Linear(4 * 36, 2)).double()
    x = torch.randn(2, 5, 3, 8, 8, dtype=torch.float64)
    net(x)
    folded = fold_norm(net, (3, 8, 8))
    assert not any(isinstance(module, Batch) for module in folded.modules())
    torch.testing.assert_close(folded(x), net.eval()(x), rtol=0, atol=1e-12)


def test_energy_counts_tdbn_as_folded():
    """As many bytes as batch norm, whose folded shift is read with each output."""
    read = []
    for name in ("batch", "tdbn"):
        norm = option("norm", name)(4, v_threshold=1.0, meets_sum=False)
        net = nn.Sequential(layer.SeqToANNContainer(nn.Conv2d(1, 4, 3, bias=False)), norm).eval()
        x = torch.ones(2, 3, 1, 8, 8)
        with Recorder(net, [Energy()]) as recorder:
            recorder.see_input(x[0], x)
            net(x)
            recorder.end_batch(torch.ones(3, dtype=torch.bool))
        read.append(recorder.scalars()["test/energy_bytes"])
    assert read[0] == read[1] > 4 * 4 * 36


def test_export_folds_tdbn_and_rejects_tebn():
    def net(norm):
        return ConvNet(neuron=LIF, in_shape=(1, 8, 8), classes=2, channels=[4], norm=norm)

    assert [link.name for link in layer_chain(net(TDBN), (1, 8, 8))] == [
        "stages.conv1.0",
        "stages.sn1",
        "stages.pool1.0",
        "out",
    ]
    with pytest.raises(ValueError, match=r"^export: norm must be batch, .* got TEBN in stages"):
        layer_chain(net(partial(TEBN, timesteps=T)), (1, 8, 8))


@pytest.mark.parametrize("name", ["tebn", "bntt"])
def test_what_cannot_be_folded_is_rejected_before_training(name):
    kind = name.upper()
    with pytest.raises(ValueError, match=f"^Conversion: norm must be batch, .* got {kind} in stages"):
        check(composed(f"norm={name}", "method=conversion"))
    with pytest.raises(ValueError, match=f"^Energy: norm must be batch, .* got {kind} in stages"):
        check(composed(f"norm={name}", "metric=[energy]"))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: TDBN(1, alpha=0), "^TDBN: alpha must be positive; got 0"),
        (
            lambda: TDBN(1, v_threshold=None),
            "^TDBN: v_threshold must be that of the neurons after the norm; got neurons without one, such as",
        ),
        (lambda: TEBN(1, timesteps=0), "^TEBN: timesteps must be at least 1; got 0"),
        (lambda: BNTT(1, timesteps=0), "^BNTT: timesteps must be at least 1; got 0"),
        (lambda: BNTT(1, timesteps=4, eps=0), "^BNTT: eps must be positive; got 0"),
    ],
)
def test_bad_values(build, message):
    with pytest.raises(ValueError, match=message):
        build()

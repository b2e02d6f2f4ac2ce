"""A ReLU network whose first layers spike: its spikes and its gradient are those of the published equations, in float64."""

from contextlib import contextmanager
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from snnx.backbone.chain import Chain
from snnx.backbone.convnet import ConvNet
from snnx.backbone.resnet import ResNet
from snnx.conversion.at_once import AtOnce
from snnx.conversion.convert import convert
from snnx.conversion.fold_norm import fold_norm
from snnx.conversion.hybrid import Hybrid
from snnx.conversion.links import links
from snnx.conversion.replaceable import Replaceable

SHAPE, STEPS = (2, 8, 8), 16


def network(backbone, seed=0):
    """A network in float64 whose norms have seen other batches, so that none of their numbers is trivial."""
    torch.manual_seed(seed)
    net = backbone(neuron=Replaceable, in_shape=SHAPE, classes=3).double()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
    for _ in range(5):
        net(torch.randn(1, 8, *SHAPE).double())
    return net.eval()


def images(seed=1):
    return torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(seed)).double()


def spiking(hybrid, count):
    """Replace the first layers; with thresholds of other images, no potential is exactly one, where rounding would decide."""
    for _ in range(count):
        value = hybrid.next_threshold([AtOnce(timesteps=STEPS, in_channels=2)(images(2))], 99.9)
        next(n for n in hybrid.neurons.values() if n.v_threshold is None).v_threshold = value
    return hybrid


@contextmanager
def watched(hybrid, what):
    """Collect what each activation gives, `what(neuron, y)`, by its name."""
    seen = {}
    hooks = [
        neuron.register_forward_hook(lambda m, _, y, name=name: seen.update({name: what(m, y)}))
        for name, neuron in hybrid.neurons.items()
    ]
    yield seen
    for hook in hooks:
        hook.remove()


def published(spikes, weight, bias, theta):
    """LinearIF and Conv2dIF of the authors' code, with spikes `[T, B, *]`: x[t] + b/T is added, and a spike takes theta off."""
    mem, s, out = 0, 0, []
    for t in range(STEPS):
        flow = F.conv2d(spikes[t], weight, padding=1) if weight.ndim == 4 else spikes[t] @ weight.T
        shape = (1, -1, 1, 1) if weight.ndim == 4 else (1, -1)
        mem = mem + flow + bias.view(shape) / STEPS - s * theta
        s = (mem >= theta).double()
        out.append(s)
    return torch.stack(out)


def folded(conv, norm):
    """The weights with a norm in them, as in the authors' code (but for the norm's epsilon, which that leaves out)."""
    ratio = norm.weight / (norm.running_var + norm.eps).sqrt()
    bias = 0 if conv.bias is None else conv.bias
    return conv.weight * ratio.view(-1, *[1] * (conv.weight.ndim - 1)), (bias - norm.running_mean) * ratio + norm.bias


def chain():
    return network(partial(Chain, layers=[4, 5], hidden=[7], norm=True, hidden_norm=True, bias=True, votes=0))


@torch.no_grad()
def test_spikes_are_those_of_the_published_equations():
    """The image at step 0 only, biases and thresholds divided by T, and spikes that are worth their threshold."""
    net, x = chain(), images()
    hybrid = spiking(Hybrid(net, SHAPE), 3)
    with watched(hybrid, lambda m, y: y / m.v_threshold) as seen:
        found = hybrid.outputs(AtOnce(timesteps=STEPS, in_channels=2)(x))
    sent = torch.cat([x[None], x.new_zeros(STEPS - 1, *x.shape)])
    layers = [net.features.conv1, net.features.conv2, net.classifier.fc1]
    for (conv, norm), (name, neuron) in zip(layers, hybrid.neurons.items(), strict=True):
        theta = neuron.v_threshold / STEPS
        if isinstance(conv, nn.Linear):
            sent = sent.flatten(2)
        spikes = published(sent, *folded(conv, norm), theta)
        assert 0.01 < spikes.mean() < 0.6
        torch.testing.assert_close(seen[name], spikes, rtol=0, atol=1e-9)
        sent = spikes * theta
    out = net.classifier.out
    torch.testing.assert_close(found[0], sent.sum(0) @ out.weight.T + out.bias, rtol=0, atol=1e-10)


@torch.no_grad()
@pytest.mark.parametrize("backbone", [partial(ConvNet, channels=[4, 6]), partial(ResNet, width=0.125)])
def test_the_converted_network_fires_alike(backbone):
    """Folded norms, scaled weights and thresholds of 1 give the same spikes, also of residual blocks."""
    net, x = network(backbone), images()
    hybrid = Hybrid(net, SHAPE)
    spiking(hybrid, len(hybrid.neurons))
    encoded = AtOnce(timesteps=STEPS, in_channels=2)(x)
    with watched(hybrid, lambda m, y: y / m.v_threshold) as seen:
        found = hybrid.outputs(encoded)
    plain = fold_norm(net, SHAPE)
    scales = {name: torch.tensor(neuron.v_threshold, dtype=torch.float64) for name, neuron in hybrid.neurons.items()}
    converted = convert(plain, links(plain, SHAPE), scales)
    for name in scales:
        converted.get_submodule(name).register_forward_hook(
            lambda _, __, s, name=name: torch.testing.assert_close(s, seen[name], rtol=0, atol=1e-9)
        )
    torch.testing.assert_close(converted(encoded).mean(0), found[0], rtol=0, atol=1e-9)


@torch.no_grad()
def test_relu_layers_read_counts_across_a_shortcut():
    """A layer in the middle of a residual block is the first ReLU: what the shortcut brings is summed over the steps, too."""
    net, x = network(partial(ResNet, width=0.125)), images()
    hybrid = Hybrid(net, SHAPE)
    names = list(hybrid.neurons)
    spiking(hybrid, 3)
    encoded = AtOnce(timesteps=STEPS, in_channels=2)(x)
    with watched(hybrid, lambda m, y: y.mean(0, keepdim=True)) as sent:
        found = hybrid.outputs(encoded)
    for name in names[:3]:
        hybrid.neurons[name].register_forward_hook(lambda m, _, y, name=name: sent[name])
    torch.testing.assert_close(net(x[None]), found, rtol=0, atol=1e-10)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("frozen", [0, 1])
def test_the_gradient_is_that_of_relu_layers_that_read_spike_counts(count, frozen):
    """Each norm takes its statistics from the counts, and an activation is a count in forward and ReLU in backward."""
    net, x = chain(), images()
    hybrid = spiking(Hybrid(net, SHAPE), count)
    hybrid.frozen = frozen * (count - 1)
    encoded = AtOnce(timesteps=STEPS, in_channels=2)(x)
    with torch.no_grad(), watched(hybrid, lambda m, y: y.sum(0) / (m.v_threshold or 1)) as counts:
        hybrid.outputs(encoded)
    labels = torch.tensor([0, 1, 2, 0, 1])

    weights = {name: p.detach().clone().requires_grad_() for name, p in net.named_parameters()}
    layers = ["features.conv1", "features.conv2", "classifier.fc1"]
    a = x
    for place, (name, (activation, neuron)) in enumerate(zip(layers, hybrid.neurons.items(), strict=True)):
        w, b = weights[f"{name}.0.weight"], weights[f"{name}.0.bias"]
        z = F.conv2d(a, w, b, padding=1) if w.ndim == 4 else F.linear(a.flatten(1), w, b)
        norm = net.get_submodule(name)[1]
        how = {"weight": weights[f"{name}.1.weight"], "bias": weights[f"{name}.1.bias"]}
        z = F.batch_norm(z, norm.running_mean.clone(), norm.running_var.clone(), training=place >= hybrid.frozen, **how)
        a = F.relu(z)
        if place < count:
            worth = counts[activation] * neuron.v_threshold / STEPS
            a = worth if place < hybrid.frozen else a * 1.0 + (worth - a).detach()
    scores = F.linear(a, weights["classifier.out.weight"], weights["classifier.out.bias"])
    F.cross_entropy(scores, labels).backward()

    frozen_before = [
        {k: v.clone() for k, v in net.get_submodule(name).state_dict().items()} for name in layers[: hybrid.frozen]
    ]
    outputs = hybrid.tandem(x, encoded)
    F.cross_entropy(outputs[0], labels).backward()
    torch.testing.assert_close(outputs[0], scores, rtol=0, atol=1e-10)
    for name, parameter in net.named_parameters():
        if weights[name].grad is None:
            assert parameter.grad is None, name
        else:
            torch.testing.assert_close(parameter.grad, weights[name].grad, rtol=0, atol=1e-10)
    assert sum(parameter.grad is None for parameter in net.parameters()) == 4 * hybrid.frozen
    for name, before in zip(layers, frozen_before, strict=False):
        assert all(torch.equal(value, before[key]) for key, value in net.get_submodule(name).state_dict().items())


@torch.no_grad()
def test_a_threshold_is_a_percentile_of_the_first_layer_that_does_not_spike():
    net, x = chain(), images()
    hybrid = spiking(Hybrid(net, SHAPE), 1)
    encoded = AtOnce(timesteps=STEPS, in_channels=2)(x)
    sent = net.features.sn1(net.features.conv1(encoded)).mean(0, keepdim=True)
    values = net.features.conv2(sent).relu().flatten().sort().values
    for percentile in (90, 99.9, 100):
        wanted = values[-(-round(percentile * 10) * len(values) // 1000) - 1].item()
        assert hybrid.next_threshold([encoded[:, :2], encoded[:, 2:]], percentile) == pytest.approx(wanted, abs=1e-12)
    assert not net.training
    with pytest.raises(
        ValueError, match=r"^Tandem: features\.sn2 must be active on the calibration set; got a 1 percentile of 0; rai"
    ):
        hybrid.next_threshold([encoded], 1)


def test_layers_are_found_in_the_order_in_which_they_run():
    class Crossed(nn.Module):
        def __init__(self):
            super().__init__()
            self.out, self.second, self.first = nn.Linear(2, 2), Replaceable(), Replaceable()
            self.b, self.a = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            return self.out(self.second(self.b(self.first(self.a(x.flatten(2))))))

    net = Crossed()
    hybrid = Hybrid(net, (2, 1, 1))
    assert list(hybrid.neurons) == ["first", "second"]
    assert hybrid.layers == [[net.a, net.first], [net.b, net.second]]
    assert net.training

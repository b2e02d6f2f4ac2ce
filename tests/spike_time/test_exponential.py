"""Neurons with decaying currents: a golden case, the authors' arithmetic, a simulation, finite differences, and the costs."""

import math

import numpy as np
import pytest
import torch
from composing import composed
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.autograd import gradcheck

from snnx.metric.recorder import Recorder
from snnx.metric.single_spike import SingleSpike
from snnx.metric.spikes_per_neuron import SpikesPerNeuron
from snnx.run.build import build_method
from snnx.spike_time.causal_set import SILENT
from snnx.spike_time.exponential_current import ExponentialCurrent, FiredLater
from snnx.spike_time.exponential_planes import ExponentialPlanes
from snnx.spike_time.exponential_set import ExponentialSet

MLP = ["method=exponential", "backbone=mlp", "backbone.hidden=[40]", "backbone.bias=false", "init=positive"]
SCNN = [*MLP[:1], "backbone=scnn", "backbone.bias=false", "backbone.hidden=[]", "init=positive", "backbone.channels=[8,6]"]
SCNN += ["backbone.stride=2", "backbone.padding=2", "backbone.pool=none"]
NEVER = 1e5


class Facts:
    shape, classes = (1, 28, 28), 10


def build(words, *overrides):
    torch.manual_seed(0)
    return build_method({**composed(*words, *overrides).config, "budget": {"width": 1.0}}, Facts())


def random_layer(seed):
    """Some inputs do not fire, and some neurons have weights too small to fire."""
    draw = torch.Generator().manual_seed(seed)
    inputs = int(torch.randint(1, 12, (), generator=draw))
    weight = 1.5 * torch.randn(32, inputs, generator=draw, dtype=torch.float64) + 3 / inputs
    z = torch.exp(2 * torch.rand(16, inputs, generator=draw, dtype=torch.float64))
    z[torch.rand(z.shape, generator=draw) < 0.25] = torch.inf
    return weight, z


def published(weight, z):
    """The layer of the authors' code, for one sample: candidates for all prefixes of the sorted inputs, then the smallest.

    There, an input that does not fire has z = 100,000.
    """
    order = np.argsort(z, kind="stable")
    found = []
    for w in weight:
        summed, weighted = np.cumsum(w[order]), np.cumsum(w[order] * z[order])
        candidate = weighted / np.clip(summed - 1, 1e-10, 1e10)
        after = np.append(z[order][1:], NEVER)
        valid = (summed >= 1) & (candidate >= z[order]) & (candidate <= after)
        found.append(np.where(valid, candidate, NEVER).min())
    return np.array(found)


@settings(max_examples=30)
@given(st.integers(0, 2**31))
def test_spike_times_are_those_of_the_authors_arithmetic(seed):
    weight, z = random_layer(seed)
    ours = 1 - ExponentialSet.apply(weight, 1 - z, None)
    theirs = np.stack([published(weight.numpy(), row) for row in z.clamp(max=NEVER).numpy()])
    early = torch.from_numpy(theirs < NEVER / 2)
    assert early.any()
    assert torch.allclose(ours[early], torch.from_numpy(theirs)[early], rtol=1e-9)
    assert (ours[~early] > NEVER / 2).all()


@settings(max_examples=10)
@given(st.integers(0, 2**31))
def test_spike_times_equal_a_simulation(seed):
    """`V(t) = sum of w_i (1 - exp(-(t - t_i)))` on a grid: late by a step, or blind to a short peak, but never early."""
    weight, z = random_layer(seed)
    exact, step = (1 - ExponentialSet.apply(weight, 1 - z, None)).log(), 0.01
    grid = torch.full_like(exact, torch.inf)
    for t in torch.arange(0, 8, step, dtype=torch.float64):
        potential = (1 - (-(t - z.log())).exp()).clamp(min=0) @ weight.T
        grid = torch.where(grid.isinf() & (potential >= 1), t, grid)
    on_time = exact < 7.9
    late = (grid - exact)[on_time]
    assert late.min() >= -1e-9
    assert (late < step + 1e-9).double().mean() > 0.98
    assert (grid[exact > 8] >= 8 - 1e-9).all()


def test_a_neuron_by_hand():
    """Weights 2 and 2 at t = 0 and t = 0.25: alone, the first would fire at z = 2/(2 - 1) = 2, after the second has come."""
    weight, z = torch.tensor([[2.0, 2.0]]), torch.tensor([[1.0, math.exp(0.25)]])
    both = (2 * 1 + 2 * math.exp(0.25)) / (4 - 1)
    assert 1 - ExponentialSet.apply(weight, 1 - z, None).item() == pytest.approx(both)
    assert ExponentialSet.apply(weight / 4, 1 - z, None).item() == SILENT  # weights that add up to 1 do not reach it


def test_the_gradient_equals_finite_differences():
    draw = torch.Generator().manual_seed(0)
    weight = (torch.rand(5, 6, generator=draw, dtype=torch.float64) + 0.2).requires_grad_()
    activation = (1 - torch.exp(torch.rand(4, 6, generator=draw, dtype=torch.float64))).requires_grad_()
    assert (ExponentialSet.apply(weight, activation, None) > SILENT).all()
    assert gradcheck(lambda w, a: ExponentialSet.apply(w, a, None), (weight, activation), eps=1e-7, atol=1e-5)


def test_the_gradient_is_the_published_one_and_is_limited_by_clip():
    """`dz/dw_i = (z_i - z)/S` and `dz/dz_i = w_i/S` for the inputs in C."""
    weight, z = torch.tensor([[2.0, 2.0, 9.0]], requires_grad=True), torch.tensor([[1.0, 1.25, 8.0]])
    activation = (1 - z).requires_grad_()
    found = 1 - ExponentialSet.apply(weight, activation, None)
    assert found.item() == 1.5
    found.backward()
    torch.testing.assert_close(weight.grad, torch.tensor([[-0.5 / 3, -0.25 / 3, 0.0]]))
    torch.testing.assert_close(activation.grad, -torch.tensor([[2 / 3, 2 / 3, 0.0]]))
    weight.grad = None
    (1 - ExponentialSet.apply(weight, activation, 0.1)).backward()
    torch.testing.assert_close(weight.grad, torch.tensor([[-0.05, -0.025, 0.0]]))


def test_the_bias_is_an_input_at_time_0():
    layer = ExponentialCurrent(nn.Linear(1, 1, bias=False))
    nn.init.constant_(layer.layer.weight, 3.0)
    assert layer.start.tolist() == [0.0]
    nn.init.constant_(layer.start, 2.0)
    _, a = layer(torch.stack([torch.ones(1, 1), torch.full((1, 1), 1 - 1.5)]))
    assert 1 - a.item() == pytest.approx((2 * 1 + 3 * 1.5) / (5 - 1))


def test_a_convolution_equals_a_linear_layer_of_its_patches():
    torch.manual_seed(0)
    layer = ExponentialCurrent(nn.Conv2d(2, 3, 3, stride=2, padding=1, bias=False))
    nn.init.uniform_(layer.layer.weight, 0, 0.6)
    nn.init.uniform_(layer.start, 0, 0.2)
    z, fired = 1 + 3 * torch.rand(2, 2, 7, 7), (torch.rand(2, 2, 7, 7) < 0.7).float()
    m, a = layer(torch.stack([fired, 1 - z]))
    patches = nn.functional.unfold(fired * z, 3, stride=2, padding=1).transpose(1, 2).flatten(0, 1)  # 0 means no spike
    inputs = nn.functional.pad(torch.where(patches > 0, 1 - patches, SILENT), (0, 1))
    weight = torch.cat([layer.layer.weight.flatten(1), layer.start[:, None]], 1)
    expected = ExponentialSet.apply(weight, inputs, None).view(2, 16, 3).transpose(1, 2).view(2, 3, 4, 4)
    assert torch.allclose(a, expected)
    assert 0 < m.mean() < 1


def test_the_costs_are_the_published_ones():
    """The mean over neurons of what its weights lack to 1, and the mean square, both with the weight in place of a bias."""
    layer = ExponentialCurrent(nn.Linear(2, 2, bias=False))
    layer.layer.weight.data = torch.tensor([[0.25, 0.25], [2.0, 1.0]])
    layer.start.data = torch.tensor([0.25, -1.0])
    assert layer.weight_sum_cost().item() == pytest.approx(((1 - 0.75) + 0) / 2)
    assert layer.mean_square().item() == pytest.approx((3 * 0.0625 + 4 + 1 + 1) / 6)


def test_training_minimises_the_published_cost():
    """`-log softmax(-z)[label] + K sum of costs + K2 sum of mean squares`; a test reports the first part alone."""
    method = build(MLP, "method.weight_sum=7", "method.mean_square=0.5").double()
    images, labels = torch.rand(4, 1, 28, 28, dtype=torch.float64), torch.arange(4)
    scores, loss = method.scores_and_loss(images, labels)
    expected = nn.functional.cross_entropy(scores, labels)
    assert method.eval().scores_and_loss(images, labels)[1].item() == pytest.approx(expected.item())
    for layer in (layer for layer in method.backbone.modules() if isinstance(layer, ExponentialCurrent)):
        weights = torch.cat([layer.layer.weight, layer.start[:, None]], 1)
        expected = expected + 7 * (1 - weights.sum(1)).clamp(min=0).mean() + 0.5 * weights.square().mean()
    assert loss.item() == pytest.approx(expected.item())


def test_a_network_equals_the_authors_layers_one_after_another():
    method = build(MLP).double()
    images = torch.rand(3, 1, 28, 28, dtype=torch.float64)
    z = np.exp(3 * (1 - images.flatten(1).numpy()))
    for layer in (layer for layer in method.backbone.modules() if isinstance(layer, ExponentialCurrent)):
        weight = torch.cat([layer.layer.weight, layer.start[:, None]], 1).detach().numpy()
        z = np.stack([published(weight, np.append(row, 1.0)) for row in z])
    assert (z < NEVER).all()
    np.testing.assert_allclose(method(images).detach().numpy(), -z, rtol=1e-9)


@pytest.mark.parametrize("words", [MLP, SCNN], ids=["mlp", "scnn"])
def test_it_learns_and_every_neuron_fires_once(words):
    method = build(words)
    x, labels = torch.rand(20, 1, 28, 28), torch.arange(20) % 10
    optimizer = torch.optim.Adam(method.parameters(), 0.003)
    losses = []
    for _ in range(25):
        _, loss = method.scores_and_loss(x, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0], losses
    with Recorder(method.backbone, [SpikesPerNeuron(), SingleSpike()]) as recorder:
        method.eval()(x)
        recorder.end_batch(torch.ones(20, dtype=torch.bool))
    assert recorder.scalars()["test/spikes_of_busiest"] == 1
    assert 0.5 < recorder.scalars()["test/spikes_per_neuron"] <= 1


def test_neurons_report_when_they_fire():
    neuron = FiredLater()
    neuron.probe = lambda h, s: None
    neuron(torch.tensor([[[1.0, 0.0]], [[1 - math.e, SILENT]]]))
    assert neuron.times[0, 0, 0].item() == pytest.approx(1.0)
    assert neuron.times[0, 0, 1].isnan()


def test_what_is_refused():
    with pytest.raises(ValueError, match="Exponential: weight_sum must be at least 0; got -1"):
        build(MLP, "method.weight_sum=-1")
    with pytest.raises(ValueError, match="Exponential: mean_square must be at least 0; got -2"):
        build(MLP, "method.mean_square=-2")
    with pytest.raises(ValueError, match="Exponential: backbone must have no bias; got one in"):
        build(MLP, "backbone.bias=true")
    for clip in (0, -1):
        with pytest.raises(ValueError, match=f"Exponential: clip must be positive, or null for no limit; got {clip}"):
            build(MLP, f"method.clip={clip}")
    for latest in (0, 12):  # exp(12) is more than 100,000, which means no spike
        with pytest.raises(ValueError, match=rf"ExponentialPlanes: latest must be positive and below 11\.5; got {latest}"):
            ExponentialPlanes(in_channels=1, latest=latest)
    assert ExponentialPlanes(in_channels=1, latest=11.5)(torch.zeros(1, 1, 1, 1))[1].item() > -NEVER
    with pytest.raises(ValueError, match=r"ExponentialPlanes: x must be in \[0, 1\]"):
        ExponentialPlanes(in_channels=1)(torch.full((1, 1, 1, 1), 2.0))

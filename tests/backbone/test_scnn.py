"""The network of first-spike papers, the layers it is made of, and what pooling does to spikes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spikingjelly.activation_based import functional
from torch import nn

from snnx.backbone.mlp import MLP
from snnx.backbone.scnn import SCNN
from snnx.layer.each_step import EachStep
from snnx.layer.max_pool import MaxPool
from snnx.layer.mean_pool import MeanPool
from snnx.neuron.ttfs import TTFS


def test_neuron_count_of_cnn1():
    """Temporal-Coded SNNs with Dynamic Firing Threshold divides its spikes by 12,202; the read-out's ten are included."""
    found = []

    class Counted(nn.Identity):
        def forward(self, x):
            found.append(x[0, 0].numel())
            return x

    net = SCNN(neuron=Counted, in_shape=(1, 28, 28), classes=10, pool="max", bias=False)
    net(torch.rand(1, 1, 1, 28, 28))
    assert sum(found) + 10 == 12_202
    assert all(p.ndim > 1 for p in net.parameters())


@pytest.mark.parametrize("build", [MLP, SCNN])
def test_a_repeated_image_is_the_same_as_its_copies(build):
    """An expanded input (stride 0 over time) against the same values laid out: scores, and every gradient."""
    torch.manual_seed(0)
    net = build(neuron=lambda: TTFS(v_threshold=0.1), in_shape=(1, 28, 28), classes=10, width=0.1).double()
    image = torch.rand(3, 1, 28, 28, dtype=torch.float64, requires_grad=True)
    found = []
    for x in (image.expand(4, *image.shape), image.expand(4, *image.shape).contiguous()):
        functional.reset_net(net)
        y = net(x)
        grads = torch.autograd.grad((y * torch.arange(40.0).view(4, 1, 10)).sum(), [*net.parameters(), image])
        found.append((y, *grads))
    assert found[0][0].any()
    for once, laid_out in zip(*found, strict=True):
        torch.testing.assert_close(once, laid_out, rtol=1e-9, atol=1e-12)


def test_what_differs_between_steps_is_computed_at_every_step():
    torch.manual_seed(0)
    layer, x = EachStep(nn.Conv2d(2, 3, 3)), torch.rand(5, 4, 2, 8, 8)
    assert torch.equal(layer(x)[3], layer[0](x[3]))
    assert layer(x).stride(0) != 0


@pytest.mark.parametrize("shape", [(3, 2, 8, 6), (1, 1, 2, 2), (2, 1, 5, 7), (2, 3, 4, 5)])
def test_mean_pool_is_torchs(shape):
    """In float64, so that another order of sums is no difference; odd sides lose their last row or column as torch's do."""
    x = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    ours, theirs = MeanPool()(x), nn.AvgPool2d(2)(x)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=0)
    weight = torch.rand(ours.shape, dtype=torch.float64)
    torch.testing.assert_close(*(torch.autograd.grad((y * weight).sum(), x)[0] for y in (ours, theirs)), rtol=1e-12, atol=0)


@pytest.mark.parametrize("shape", [(3, 2, 8, 6), (1, 1, 2, 2), (2, 1, 5, 7), (2, 3, 4, 5)])
def test_max_pool_is_torchs(shape):
    """Of few values, so that windows hold equal ones: the gradient goes to the first of them."""
    x = torch.randint(0, 3, shape, generator=torch.Generator().manual_seed(0)).double().requires_grad_()
    ours, theirs = MaxPool()(x), nn.MaxPool2d(2)(x)
    assert torch.equal(ours, theirs)
    weight = torch.rand(ours.shape, dtype=torch.float64)
    assert torch.equal(*(torch.autograd.grad((y * weight).sum(), x)[0] for y in (ours, theirs)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_mean_pool_is_exact_on_spikes(dtype):
    s = (torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0)) < 0.5).to(dtype)
    assert torch.equal(MeanPool()(s), nn.AvgPool2d(2)(s))


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.integers(1, 20))
def test_average_pooling_keeps_the_sum_over_time_within_one(seed, timesteps):
    """ETTFS, Eq 25: the sum over time of an average of one-spike neurons is at most 1, whatever they receive."""
    x = 2 * torch.randn(timesteps, 2, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    pooled = EachStep(MeanPool())(TTFS()(x))
    assert pooled.sum(0).max() <= 1


def test_two_spike_times_in_one_window():
    """Eq 24: by maximum the window fires twice, by average its sum over time stays 1 (two of two neurons; four of four)."""
    s = torch.zeros(3, 1, 1, 2, 2)
    s[0, ..., 0, :], s[2, ..., 1, :] = 1, 1
    assert EachStep(nn.MaxPool2d(2))(s).sum().item() == 2
    assert EachStep(MeanPool())(s).sum().item() == 1


@pytest.mark.parametrize("neuron", [nn.ReLU, TTFS])
def test_trains_with_spikes_and_with_relu(neuron):
    net = SCNN(neuron=neuron, in_shape=(3, 32, 32), classes=7, width=0.3)
    scores = net(torch.rand(2, 3, 3, 32, 32) * 4)
    assert scores.shape == (2, 3, 7)
    scores.sum().backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SCNN(neuron=TTFS, in_shape=(1, 28, 28), classes=2, pool="min"), "SCNN: pool must be one of avg, max; got min"),
        (
            lambda: SCNN(neuron=TTFS, in_shape=(1, 12, 12), classes=2),
            "SCNN: the image must leave a pixel after each of 2 stages with kernel 5; got 12x12",
        ),
        (lambda: SCNN(neuron=TTFS, in_shape=(1, 28, 28), classes=2, kernel=0), "SCNN: kernel must be at least 1; got 0"),
        (lambda: SCNN(neuron=TTFS, in_shape=(1, 28, 28), classes=2, channels=[0, 2]), "SCNN: channels must be at least 1; got"),
        (lambda: SCNN(neuron=TTFS, in_shape=(1, 28, 28), classes=2, hidden=[-5]), "SCNN: hidden must be at least 1; got"),
        (
            lambda: MLP(neuron=TTFS, in_shape=(1, 28, 28), classes=2, hidden=[0]),
            "MLP: hidden must be widths of at least 1; got",
        ),
    ],
)
def test_bad_values(build, message):
    with pytest.raises(ValueError, match=message):
        build()

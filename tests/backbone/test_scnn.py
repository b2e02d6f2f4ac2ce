"""SCNN, the layers it consists of, and the effect of pooling on neurons that fire once."""

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
from snnx.layer.sum_pool import SumPool
from snnx.neuron.ttfs import TTFS


def test_neuron_count_of_cnn1():
    """Temporal-Coded SNNs with Dynamic Firing Threshold counts 12,202 neurons, including the 10 outputs."""
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
def test_a_repeated_image_gives_the_same_as_its_copies(build):
    """Scores and all gradients are equal for an expanded input (stride 0 over time) and a copy of it in memory."""
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


def test_different_steps_are_all_computed():
    torch.manual_seed(0)
    layer, x = EachStep(nn.Conv2d(2, 3, 3)), torch.rand(5, 4, 2, 8, 8)
    assert torch.equal(layer(x)[3], layer[0](x[3]))
    assert layer(x).stride(0) != 0


@pytest.mark.parametrize("shape", [(3, 2, 8, 6), (1, 1, 2, 2), (2, 1, 5, 7), (2, 3, 4, 5)])
def test_mean_pool_equals_torchs(shape):
    """In float64, where the order of summation does not matter; odd sides lose their last row or column, as in torch."""
    x = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    ours, theirs = MeanPool()(x), nn.AvgPool2d(2)(x)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=0)
    weight = torch.rand(ours.shape, dtype=torch.float64)
    torch.testing.assert_close(*(torch.autograd.grad((y * weight).sum(), x)[0] for y in (ours, theirs)), rtol=1e-12, atol=0)


@pytest.mark.parametrize("pool", [MeanPool(), SumPool(1.1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("narrow", [False, True])
def test_spikes_are_pooled_to_the_same_numbers_in_both_layouts(pool, dtype, narrow):
    s = (torch.rand(3, 4, 6, 8) < 0.5).to(dtype)
    with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
        plain, last = pool(s), pool(s.to(memory_format=torch.channels_last))
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert (plain.dtype, last.dtype) == (dtype, dtype)
    assert torch.equal(plain, last)


@pytest.mark.parametrize("shape", [(3, 2, 8, 6), (1, 1, 2, 2), (2, 1, 5, 7), (2, 3, 4, 5)])
def test_max_pool_equals_torchs(shape):
    """Inputs have only a few values, so that windows have ties, where the gradient must go to the first."""
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
def test_after_average_pooling_the_sum_over_time_is_at_most_one(seed, timesteps):
    """ETTFS, Eq 25: the average of neurons that fire once sums to at most 1 over time, for any input."""
    x = 2 * torch.randn(timesteps, 2, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    pooled = EachStep(MeanPool())(TTFS()(x))
    assert pooled.sum(0).max() <= 1


def test_two_spike_times_in_one_window():
    """Eq 24: if all neurons of a window fire, at two times, max pooling sums to 2 over time and average pooling to 1."""
    s = torch.zeros(3, 1, 1, 2, 2)
    s[0, ..., 0, :], s[2, ..., 1, :] = 1, 1
    assert EachStep(nn.MaxPool2d(2))(s).sum().item() == 2
    assert EachStep(MeanPool())(s).sum().item() == 1


def test_convolutions_may_have_a_stride_and_a_padding_in_place_of_pooling():
    """32C5/2-16C5/2-10, the network of Zhou et al., whose last layer has 7 * 7 * 16 = 784 inputs."""
    net = SCNN(
        neuron=nn.ReLU,
        in_shape=(1, 28, 28),
        classes=10,
        channels=[32, 16],
        hidden=[],
        stride=2,
        padding=2,
        pool="none",
        bias=False,
    )
    assert net(torch.rand(2, 3, 1, 28, 28)).shape == (2, 3, 10)
    assert [tuple(p.shape) for p in net.parameters()] == [(32, 1, 5, 5), (16, 32, 5, 5), (10, 784)]


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
        (
            lambda: SCNN(neuron=TTFS, in_shape=(1, 28, 28), classes=2, pool="min"),
            "SCNN: pool must be one of avg, max, none; got min",
        ),
        (
            lambda: SCNN(neuron=TTFS, in_shape=(1, 12, 12), classes=2),
            "SCNN: in_shape must leave a pixel after 2 stages with kernel 5; got 12x12; use fewer",
        ),
        (lambda: SCNN(neuron=TTFS, in_shape=(1, 28, 28), classes=2, kernel=0), "SCNN: kernel must be at least 1; got 0"),
        (lambda: SCNN(neuron=TTFS, in_shape=(1, 28, 28), classes=2, stride=0), "SCNN: stride must be at least 1; got 0"),
        (lambda: SCNN(neuron=TTFS, in_shape=(1, 28, 28), classes=2, padding=-1), "SCNN: padding must be at least 0; got -1"),
        (lambda: SCNN(neuron=TTFS, in_shape=(1, 28, 28), classes=2, channels=[0, 2]), "SCNN: channels must be at least 1; got"),
        (lambda: SCNN(neuron=TTFS, in_shape=(1, 28, 28), classes=2, hidden=[-5]), "SCNN: hidden must be at least 1; got"),
        (
            lambda: MLP(neuron=TTFS, in_shape=(1, 28, 28), classes=2, hidden=[0]),
            "MLP: hidden must contain widths of at least 1; got",
        ),
    ],
)
def test_bad_values(build, message):
    with pytest.raises(ValueError, match=message):
        build()

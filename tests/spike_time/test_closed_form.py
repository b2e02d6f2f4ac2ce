"""The closed form equals the simulation, its gradient equals the paper's, and edge cases are right."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnx.spike_time.closed_form import ClosedForm
from snnx.spike_time.dynamic_threshold import DynamicThreshold
from snnx.spike_time.stepwise import SILENT, stepwise

NONE = SILENT


def solve(weight, times, *, fire_at_end=False, clip=None):
    """Spike times `[B, O]` for inputs at `times` `[B, I]`, differentiable in both arguments; NaN means no spike."""
    fired = ~times.isnan()
    planes = torch.stack([fired.to(weight.dtype), torch.where(fired, 1 - times, 0.0)])
    m, a = DynamicThreshold(fire_at_end=fire_at_end, clip=clip)(planes @ weight.T)
    return torch.where(m > 0, 1 - a, NONE)


def random_layer(seed, batch=16, outputs=64):
    """Weights of many scales, so that 1 + W is often negative; a quarter of the inputs does not fire."""
    draw = torch.Generator().manual_seed(seed)
    inputs = int(torch.randint(1, 12, (), generator=draw))
    weight = torch.randn(outputs, inputs, generator=draw, dtype=torch.float64)
    weight *= 2.0 ** torch.randint(-3, 3, (outputs, 1), generator=draw)
    times = torch.rand(batch, inputs, generator=draw, dtype=torch.float64)
    times[torch.rand(batch, inputs, generator=draw) < 0.25] = NONE
    return weight, times


@settings(max_examples=150)
@given(st.integers(0, 2**31), st.booleans())
def test_closed_form_equals_the_simulation(seed, fire_at_end):
    """64 random neurons per example, nearly 10,000 in all; the simulation may be late by less than one step."""
    weight, times = random_layer(seed)
    exact = solve(weight, times, fire_at_end=fire_at_end)
    simulated = stepwise(weight, times, 200, fire_at_end=fire_at_end)
    assert torch.equal(exact.isnan(), simulated.isnan())
    late = (simulated - exact)[~exact.isnan()]
    assert ((late >= -1e-9) & (late < 1 / 200 + 1e-9)).all()


def test_random_layers_contain_the_hard_cases():
    """The test above needs many slopes below -1, spikes at the start, spikes inside the window, and neurons without a spike."""
    kinds = torch.zeros(4)
    for seed in range(20):
        weight, times = random_layer(seed)
        slope, found = (~times.isnan()).double() @ weight.T, solve(weight, times)
        kinds += torch.tensor([(slope <= -1).sum(), (found == 0).sum(), ((found > 0) & (found < 1)).sum(), found.isnan().sum()])
    assert (kinds / (20 * 1024) > 0.04).all(), kinds


@settings(max_examples=40)
@given(st.integers(0, 2**31))
def test_closed_form_equals_one_minus_the_authors_activation(seed):
    """The activation that the authors' code trains has three cases: P >= 1, P <= -W, and else the quotient."""
    weight, times = random_layer(seed)
    a = torch.where(times.isnan(), 0.0, 1 - times)
    slope, level = (a > 0).double() @ weight.T, a @ weight.T
    proxy = torch.zeros_like(level)
    for b in range(len(a)):
        for o in range(len(weight)):
            w, p = slope[b, o].item(), level[b, o].item()
            proxy[b, o] = 1.0 if p >= 1 else 0.0 if p <= -w else (w + p) / (1 + w)
    torch.testing.assert_close(1 - solve(weight, times).nan_to_num(nan=1.0), proxy, rtol=1e-12, atol=1e-12)


def test_golden_neuron():
    """For w = (0.5, 0.8) and times (0.2, 0.6): t, its gradients by Eqs 9 and 10, and the potential at the window's end."""
    weight = torch.tensor([[0.5, 0.8]], dtype=torch.float64, requires_grad=True)
    times = torch.tensor([[0.2, 0.6]], dtype=torch.float64, requires_grad=True)
    t = solve(weight, times)
    by_weight, by_time = torch.autograd.grad(t, [weight, times])
    assert t.item() == pytest.approx(0.121739, abs=1e-6)
    assert by_weight.flatten().tolist() == pytest.approx([-0.400756, -0.226843], abs=1e-6)
    assert by_time.flatten().tolist() == pytest.approx([0.217391, 0.347826], abs=1e-6)
    assert stepwise(weight.detach(), times.detach(), 10**4).item() == pytest.approx(0.121739, abs=1e-4)


@pytest.mark.parametrize(
    ("weight", "times", "paper", "code"),
    [
        ([5.0, -7.0], [0.0, 1.0], 0.0, 0.0),  # 1 + W = -1, but it fires at the start
        ([1.0, -1.0], [0.5, 0.5], 1.0, NONE),  # the potential is 0 throughout
        ([1.0, 2.0], [NONE, NONE], 1.0, NONE),
        ([-3.0], [0.5], NONE, NONE),
        ([1.0, NONE], [0.5, NONE], 0.25, 0.25),  # equal to a layer without the input that does not fire
        ([2.0], [0.5], 0.0, 0.0),  # exactly at the threshold when the window begins
    ],
)
def test_edges(weight, times, paper, code):
    weight, times = torch.tensor([weight]).nan_to_num(nan=9.0).double(), torch.tensor([times]).double()
    for fire_at_end, expected in ((True, paper), (False, code)):
        for found in (solve(weight, times, fire_at_end=fire_at_end), stepwise(weight, times, 100, fire_at_end=fire_at_end)):
            assert found.item() == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("fire_at_end", [False, True])
def test_there_is_no_gradient_outside_the_window(fire_at_end):
    weight = torch.tensor([[5.0, -7.0], [1.0, -1.0], [-3.0, -3.0], [0.5, -1.5]], dtype=torch.float64, requires_grad=True)
    times = torch.tensor([[0.0, 1.0], [0.5, 0.5]], dtype=torch.float64, requires_grad=True)
    found = solve(weight, times, fire_at_end=fire_at_end)
    inside = (found > 0) & (found < 1)
    assert not inside[:, 1:3].any()
    grads = torch.autograd.grad(found[~found.isnan() & ~inside].sum(), [weight, times])
    assert all(not grad.any() for grad in grads)


def test_the_gradient_of_the_sums_equals_the_formula():
    """Compared with autograd of (W + P)/(1 + W) in float64, at random points inside the window."""
    draw = torch.Generator().manual_seed(0)
    w = 3 * torch.rand(1000, generator=draw, dtype=torch.float64) - 0.9
    p = 1 - (1 + w) * torch.rand(1000, generator=draw, dtype=torch.float64)
    sums = torch.stack([w, p]).requires_grad_()
    upstream = torch.rand(1000, generator=draw, dtype=torch.float64)
    (ours,) = torch.autograd.grad((ClosedForm.apply(sums, False, None)[1] * upstream).sum(), sums)
    (exact,) = torch.autograd.grad(((sums[0] + sums[1]) / (1 + sums[0]) * upstream).sum(), sums)
    torch.testing.assert_close(ours, exact, rtol=1e-9, atol=1e-9)


def test_clip_limits_the_factor_and_not_the_incoming_gradient():
    sums = torch.tensor([[[-0.9]], [[0.95]]], requires_grad=True)  # 1/(1 + W) = 10, (1 - a)/(1 + W) = 5
    for clip, expected in ((None, [500.0, 1000.0]), (11.0, [500.0, 1000.0]), (7.0, [500.0, 700.0]), (1.0, [100.0, 100.0])):
        (grad,) = torch.autograd.grad(100 * ClosedForm.apply(sums, False, clip)[1].sum(), sums)
        assert grad.flatten().tolist() == pytest.approx(expected, rel=1e-4)


def test_a_convolution_equals_a_linear_layer_of_its_patches():
    """Also with padding, whose pixels do not fire."""
    torch.manual_seed(0)
    conv, image = nn.Conv2d(3, 5, 3, padding=1, bias=False).double(), torch.rand(2, 3, 6, 6, dtype=torch.float64)
    image[image < 0.3] = 0
    planes = torch.stack([(image > 0).double(), image])
    m, a = DynamicThreshold()(conv(planes.flatten(0, 1)).unflatten(0, (2, 2)))
    patches = nn.functional.unfold(image, 3, padding=1).transpose(1, 2).flatten(0, 1)
    times = solve(conv.weight.flatten(1), torch.where(patches > 0, 1 - patches, NONE))
    expected = times.unflatten(0, (2, 36)).transpose(1, 2).unflatten(2, (6, 6))
    torch.testing.assert_close(torch.where(m > 0, 1 - a, NONE), expected, equal_nan=True)


def test_max_pooling_keeps_the_earliest_spike():
    t = torch.tensor([[0.3, NONE, NONE, NONE], [1.0, 0.7, NONE, NONE]]).view(1, 1, 2, 4)
    planes = torch.stack([(~t.isnan()).float(), torch.where(t.isnan(), 0.0, 1 - t)])
    m, a = nn.MaxPool2d(2)(planes.flatten(0, 1))
    assert m.flatten().tolist() == [1, 0]
    assert 1 - a[0, 0, 0].item() == pytest.approx(0.3)


def test_a_value_is_clipped_to_zero_to_one():
    """Direct coding: if only the plane of values is not 0, the neuron is a ReLU with maximum 1, also in its gradient."""
    x = torch.linspace(-1, 2, 13).view(1, 13)
    sums = torch.stack([torch.zeros_like(x), x]).requires_grad_()
    m, a = DynamicThreshold()(sums)
    (grad,) = torch.autograd.grad(a.sum(), sums)
    assert torch.equal(a, x.clamp(0, 1))
    assert torch.equal(m, (x > 0).float())
    assert torch.equal(grad[1], ((x > 0) & (x < 1)).float())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: DynamicThreshold(clip=0), "DynamicThreshold: clip must be positive, or null for no limit; got 0"),
        (lambda: DynamicThreshold()(torch.zeros(4, 1, 3)), r"x must be the sums of m and a, \[2, B, \*\]; got \[4, 1, 3\]"),
        (lambda: stepwise(torch.ones(1, 1), torch.ones(1, 1), 0), "stepwise: steps must be at least 1; got 0"),
        (lambda: stepwise(torch.ones(1, 1), -torch.ones(1, 1), 9), r"stepwise: times must be in \[0, 1\], .*; got -1 to -1"),
    ],
)
def test_bad_values(call, message):
    with pytest.raises(ValueError, match=message):
        call()

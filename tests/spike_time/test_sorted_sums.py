"""What a GPU computes at once for all samples and neurons equals what the compiled loops compute one after another."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pretended_gpu import CUDA
from torch import nn

from snnx.spike_time import sorted_sums
from snnx.spike_time.causal_set import CausalSet
from snnx.spike_time.constant_threshold import ConstantThreshold
from snnx.spike_time.crossing import Crossing
from snnx.spike_time.exponential_set import ExponentialSet

SIZES = {"samples": st.integers(1, 5), "neurons": st.integers(1, 6), "inputs": st.integers(1, 9), "seed": st.integers(0, 2**31)}


def layer(samples, neurons, inputs, seed, *, ties):
    """Weights, and times of which a quarter is infinite; with `ties`, many are equal."""
    draw = torch.Generator().manual_seed(seed)
    weight = torch.randn(neurons, inputs, generator=draw, dtype=torch.float64) + 0.3
    times = 3 * torch.rand(samples, inputs, generator=draw, dtype=torch.float64)
    times = times.mul(2).round().div(2) if ties else times
    times[torch.rand(times.shape, generator=draw) < 0.25] = torch.inf
    return weight, times


@settings(max_examples=40)
@given(**SIZES, ties=st.booleans(), at_once=st.sampled_from([1, 30, 1 << 24]), exponential=st.booleans())
def test_the_causal_set(samples, neurons, inputs, seed, ties, at_once, exponential):
    weight, times = layer(samples, neurons, inputs, seed, ties=ties)
    kind, reach, lost = (ExponentialSet, 0.0, 1.0) if exponential else (CausalSet, 1.0, 0.0)
    activation = 1 - (times.exp() if exponential else times)
    leaves = [weight.clone().requires_grad_(), activation.clone().requires_grad_()]
    expected = kind.apply(*leaves, None)
    flow = torch.linspace(0.1, 1, expected.numel(), dtype=torch.float64).view(expected.shape)
    flow = torch.where(expected.isfinite(), flow, 0.0)
    expected.backward(flow)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_sums, "AT_ONCE", at_once)
        out, slope = sorted_sums.causal_times(weight, activation, reach, lost)
        found = sorted_sums.causal_gradients(weight, activation, out, torch.where(out.isfinite(), flow / slope, 0.0))
    torch.testing.assert_close(out, expected.detach(), rtol=1e-12, atol=1e-12)
    for one, leaf in zip(found, leaves, strict=True):
        torch.testing.assert_close(one, leaf.grad, rtol=1e-9, atol=1e-9)


@settings(max_examples=40)
@given(**SIZES, binary=st.booleans(), at_once=st.sampled_from([1, 30, 1 << 24]))
def test_crossing(samples, neurons, inputs, seed, binary, at_once):
    steps, threshold = 8, 0.7
    weight, times = layer(samples, neurons, inputs, seed, ties=False)
    activation = 1 - (2 * times).round().clamp(max=steps) / steps
    leaves = [weight.clone().requires_grad_(), activation.clone().requires_grad_()]
    factor = torch.tensor(0.9, dtype=torch.float64) if binary else None
    expected = Crossing.apply(*leaves, factor, threshold, steps)
    grad = torch.linspace(-0.5, 1, expected.numel(), dtype=torch.float64).view(expected.shape)
    expected.backward(grad)
    whole = ((1 - activation) * steps).round().int()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_sums, "AT_ONCE", at_once)
        effective = weight.sign() if binary else weight
        found = sorted_sums.crossing_steps(effective, whole, threshold / factor if binary else threshold, steps)
        grad = nn.functional.normalize(grad)
        grad_w, grad_a = sorted_sums.crossing_gradients(weight, whole, found, grad)
    assert torch.equal(1 - found / steps, expected.detach())
    torch.testing.assert_close(grad_w / samples, leaves[0].grad)
    torch.testing.assert_close(grad_a, leaves[1].grad)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is not pretended where there is one")
def test_nothing_waits_for_the_card(card):
    torch.manual_seed(0)
    times = 3 * torch.rand(2, 5, 4, 4)
    results = []
    for device in ("cpu", CUDA):
        net = nn.Sequential(ConstantThreshold(nn.Conv2d(5, 3, 2, bias=False)))
        nn.init.constant_(net[0].layer.weight, 0.2)
        net.to(device)
        images, inputs = (x.to(device) for x in (torch.stack([torch.ones_like(times), 1 - times]), torch.linspace(0, 1, 21)))
        weight = torch.full((2, 7), 0.4).to(device).requires_grad_()
        card.forget()
        s = net(images)
        steps = Crossing.apply(weight, inputs.view(3, 7), None, 0.5, 8)
        (s[1].sum() + steps.sum()).backward()
        assert not card.waits
        results.append([found.detach().cpu() for found in (s, net[0].layer.weight.grad, steps, weight.grad)])
    for on_cpu, on_card in zip(*results, strict=True):
        torch.testing.assert_close(on_card, on_cpu)

"""Sorting equals simulation, the gradient equals finite differences, and a network without windows trains."""

import pytest
import torch
from composing import composed
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnx.metric.recorder import Recorder
from snnx.metric.single_spike import SingleSpike
from snnx.metric.spikes_per_neuron import SpikesPerNeuron
from snnx.run.build import build_method
from snnx.spike_time.causal_set import SILENT, CausalSet
from snnx.spike_time.constant_threshold import ConstantThreshold, EndPotential, Fired
from snnx.spike_time.dynamic_threshold import DynamicThreshold

CNN = ["method=ttfs", "method.threshold=constant", "backbone=scnn", "backbone.bias=false", "backbone.pool=max", "init=kaiming"]


class Facts:
    shape, classes = (1, 28, 28), 10


def random_layer(seed):
    draw = torch.Generator().manual_seed(seed)
    weight = torch.randn(32, int(torch.randint(1, 12, (), generator=draw)), generator=draw, dtype=torch.float64)
    times = 3 * torch.rand(16, weight.shape[1], generator=draw, dtype=torch.float64)
    times[torch.rand(times.shape, generator=draw) < 0.25] = torch.inf
    return weight, times


def simulated(weight, times, step):
    """The first time on a grid at which the potential has reached 1; infinite if it has not by 60."""
    found = torch.full((len(times), len(weight)), torch.inf, dtype=torch.float64)
    for t in torch.arange(0, 60, step, dtype=torch.float64):
        reached = (t - times).clamp(min=0) @ weight.T >= 1
        found = torch.where(found.isinf() & reached, t, found)
    return found


@settings(max_examples=10)
@given(st.integers(0, 2**31))
def test_the_causal_set_equals_the_simulation(seed):
    weight, times = random_layer(seed)
    exact, grid = 1 - CausalSet.apply(weight, 1 - times, None), simulated(weight, times, 0.02)
    on_time = exact < 59
    # the grid misses a potential that is above 1 for less than a step, so it may be late but never early
    late = (grid - exact)[on_time]
    assert late.min() >= -1e-9
    assert (late < 0.02 + 1e-9).double().mean() > 0.98
    assert (grid[~on_time] >= 58.9).all()


@settings(max_examples=20)
@given(st.integers(0, 2**31))
def test_gradients_equal_finite_differences(seed):
    weight, times = random_layer(seed)
    activation = 1 - times.clamp(max=4)
    exact = CausalSet.apply(weight, activation, None)
    calm = (exact > -3) & (exact > SILENT)  # and no input is close to the spike time, where C changes
    calm &= ((exact[:, :, None] - activation[:, None]).abs() > 1e-3).all(2)
    weight, activation = weight.requires_grad_(), activation.requires_grad_()
    CausalSet.apply(weight, activation, None)[calm].sum().backward()
    step = 1e-7
    for leaf in (weight, activation):
        place = tuple(int(size) // 2 for size in leaf.shape)
        moved = leaf.detach().clone()
        moved[place] += step
        pair = (moved, activation.detach()) if leaf is weight else (weight.detach(), moved)
        numeric = (CausalSet.apply(*pair, None) - exact)[calm].sum() / step
        assert leaf.grad[place].item() == pytest.approx(numeric.item(), rel=1e-3, abs=1e-4)


def test_a_convolution_equals_a_linear_layer_of_its_patches():
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 3, 3, stride=2, padding=1, bias=False)
    t = torch.rand(2, 2, 7, 7)
    fired = (torch.rand(2, 2, 7, 7) < 0.7).float()
    m, a = ConstantThreshold(conv)(torch.stack([fired, 1 - t]))
    patches = nn.functional.unfold(fired * (2 - t), 3, stride=2, padding=1).transpose(1, 2).flatten(0, 1)  # 0 means no spike
    alone = CausalSet.apply(conv.weight.flatten(1), torch.where(patches > 0, patches - 1, SILENT), None)
    expected = alone.view(2, 16, 3).transpose(1, 2).view(2, 3, 4, 4)
    assert torch.allclose(a, expected)
    assert torch.equal(m > 0, a > SILENT)
    assert 0 < m.mean() < 1


def build(*overrides):
    torch.manual_seed(0)
    run = composed(*CNN, *overrides)
    return build_method({**run.config, "budget": {"width": 0.25}}, Facts())


@pytest.mark.parametrize("source", ["time", "direct"])
def test_a_network_without_windows_overlaps_and_learns(source):
    method = build(f"method.input={source}")
    seen = {}
    for name, module in method.backbone.named_modules():
        if isinstance(module, ConstantThreshold):
            module.register_forward_hook(lambda module, x, y, name=name: seen.update({name: 1 - y[1][y[0] > 0]}))
    images = torch.rand(8, 1, 28, 28)
    with Recorder(method.backbone, [SpikesPerNeuron(), SingleSpike()]) as recorder:
        scores = method(images)
        recorder.end_batch(torch.ones(8, dtype=torch.bool))
    assert len(seen) == 4 - (source == "direct")
    assert all((spikes.min() >= 0) for spikes in seen.values())
    first, second, *_ = seen.values()
    assert second.min() < first.max(), "a spike of the second layer comes before one of the first"
    nn.functional.cross_entropy(scores, torch.arange(8)).backward()
    for name, weight in method.backbone.named_parameters():
        assert weight.grad.isfinite().all()
        assert weight.grad.abs().sum() > 0, name
    assert recorder.scalars()["test/spikes_of_busiest"] == 1


def test_its_ann_equals_that_of_the_dynamic_threshold():
    constant, dynamic = build(), build("method.threshold=dynamic")
    for method in (constant, dynamic):
        method._as_source = True
    images = torch.rand(3, 1, 28, 28)
    assert torch.equal(constant(images), dynamic(images))


@pytest.mark.parametrize("source", ["time", "direct"])
@pytest.mark.parametrize("readout", ["start_membrane", "end_membrane"])
def test_its_membrane_is_read_when_that_of_the_dynamic_threshold_is(source, readout):
    """The last layer's `V(t) = sum of w_i max(t - t_i, 0)`, at the start or the end of the other network's last window."""
    method = build(f"method.input={source}", f"method.readout={readout}")
    dynamic = build(f"method.input={source}", "method.threshold=dynamic")
    windows = [module.window for module in dynamic.backbone.modules() if isinstance(module, DynamicThreshold)]
    end = max(windows) + (1 if readout == "start_membrane" else 2)
    seen = {}
    for module in method.backbone.modules():
        if isinstance(module, EndPotential):
            module.register_forward_hook(lambda module, x, y: seen.update(x=x[0], weight=module.layer.weight))
    scores = method(torch.rand(5, 1, 28, 28))
    m, a = seen["x"]
    potential = torch.where(m > 0, (end - (1 - a)).clamp(min=0), 0.0) @ seen["weight"].T
    torch.testing.assert_close(scores, potential)


def test_its_neurons_report_that_they_sort():
    assert Fired().path == "sorted"


def test_options_that_need_windows_are_rejected():
    with pytest.raises(ValueError, match="threshold=constant must have readout=end_membrane or start_membrane, and steps=null"):
        build("method.readout=spike_time")
    with pytest.raises(ValueError, match="threshold must be one of dynamic, constant, none, ramp; got falling"):
        build("method.threshold=falling")

"""The windows, kernels and tuning of the codes with one spike per neuron."""

from math import exp

import pytest
import torch
from coded import CODES, build, images
from torch import nn

from snnx.conversion.code.tuned_kernel import tuned_kernel
from snnx.conversion.code.windows import Windows
from snnx.conversion.kernel import TemporalKernel


@pytest.mark.parametrize(("start", "duration", "steps"), [(40, 80, 680), (32, 64, 544), (80, 80, 1280)])
def test_steps_of_vgg_16(start, duration, steps):
    assert Windows(start, duration).steps(layers=16) == steps


def test_kernel_activation_has_the_gradient_of_the_unrounded_one():
    kernel = TemporalKernel(duration=40, ceiling=1.5).double()
    x = torch.tensor([-1.0, 0.01, 0.1, 0.4, 1.2, 3.0], dtype=torch.float64, requires_grad=True)
    y = kernel(x)
    y.sum().backward()
    with torch.no_grad():
        torch.testing.assert_close(y, kernel(x))
        inside = torch.tensor([0.0, 0, 1, 1, 1, 0])
        torch.testing.assert_close(x.grad, inside * y / x)
    assert kernel.delay.grad.item() == pytest.approx(1.5 / 10)  # of the largest value alone, exp(delay/10)
    assert torch.isfinite(kernel.time_constant.grad)


def test_one_step_of_tuning_equals_the_rule_by_hand():
    x, tc, td = torch.tensor([[0.9, 0.5, 0.03, 0.0], [0.7, 0.0, 0.2, 0.1]], dtype=torch.float64), 20.0, -1.0
    grid = [exp(-(t - td) / tc) for t in range(80)]
    terms, earliest, least = [], [], []
    for row in x.tolist():
        sent = [next(((g, t) for t, g in enumerate(grid) if value >= g), (0.0, 80)) for value in row]
        terms += [(value - y) * y * (t - td) for value, (y, t) in zip(row, sent, strict=True)]
        earliest.append(min(t for _, t in sent))
        low, high = sorted(row)[:2]
        least.append(low + 0.06 * (high - low))  # the 2nd percentile of four values
    positive = [term for term in terms if term > 0]
    bottom = exp(-(80 - td) / tc)
    d1, d2 = sum(positive) / len(positive), (sum(least) / 2 - bottom) * bottom * (80 - td)
    new = tc + (10 * d1 + 100 * d2) / tc**2  # from here on, the delay's step uses the new time constant
    top = exp(td / new)
    d3 = sum((exp(-(t - td) / new) - top) * top for t in earliest) / 2 / new
    assert tuned_kernel(tc, td, x, 80) == pytest.approx((new, td + d3), rel=1e-9)
    assert tuned_kernel(tc, td, torch.zeros(2, 4), 80)[0] < tc  # silent layers need no slow kernel


@torch.no_grad()
def test_tuning_does_not_depend_on_scales():
    """A network whose layers are all scaled by a factor has the same kernels."""
    first, second = build(*CODES["t2fsnn"]), build(*CODES["t2fsnn"])
    for module in second.backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.mul_(4.0)  # exact in float32, too
            module.bias.mul_(4.0)
            break
    for method in (first, second):
        method.convert(lambda: [images()])
    (*_, one), (*_, two) = (list(method.code.kernels.items())[:2] for method in (first, second))
    assert one[0] == two[0] == "stages.sn1"
    assert one[1] == pytest.approx(two[1], rel=1e-4)
    assert one[1] != first.code.start_kernel


@torch.no_grad()
def test_the_delay_of_the_input_is_not_tuned():
    method = build(*CODES["t2fsnn"])
    method.convert(lambda: [images()])
    assert method.code.kernels[None][1] == 0
    assert method.code.kernels[None][0] != method.code.start_kernel[0]
    assert all(delay < 0 for name, (_, delay) in method.code.kernels.items() if name is not None)

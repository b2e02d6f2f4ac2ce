"""Metrics of potentials use the threshold of each step if it changes over time, or reject the neuron."""

import pytest
import torch
from adaptive import ALIF
from torch import nn

from snnx.metric.negative_potential import NegativePotential
from snnx.metric.potential import Potential
from snnx.metric.recorder import Recorder
from snnx.metric.residual_potential import ResidualPotential
from snnx.metric.weight_gradient import _slope
from snnx.neuron.ttfs import TTFS


def seen(neuron, *metrics):
    """The metrics' curves for three steps, and the potentials minus the thresholds, computed by hand."""
    torch.manual_seed(0)
    x, shown = 4 * torch.rand(3, 1, 50), []
    with Recorder(nn.Sequential(neuron), list(metrics)) as recorder:
        neuron(x)
        recorder.end_batch(torch.tensor([True]))
    neuron.reset()
    neuron.probe = lambda h, s: shown.append((h, s))
    neuron(x)
    ((h, s),) = shown
    b = torch.stack([torch.zeros_like(s[0]), 0.1 * s[0], 0.9 * 0.1 * s[0] + 0.1 * s[1]])
    return {curve: table["0"] for curve, table in recorder.curves("test").items()}, h - (1 + 1.8 * b), s


def test_the_residual_uses_the_threshold_of_the_step():
    found, above, _ = seen(ALIF(), ResidualPotential(signed=True))
    torch.testing.assert_close(found["residual_potential_mean"], above.flatten(1).mean(1), check_dtype=False)
    torch.testing.assert_close(found["residual_potential_max"], above.flatten(1).amax(1), check_dtype=False)


def test_the_share_above_the_threshold_is_the_share_that_fires():
    found, above, s = seen(ALIF(), Potential())
    assert found["potential_above"].item() == pytest.approx(s.mean().item())
    assert found["potential_near"].item() == pytest.approx((above.abs() <= 1).float().mean().item())


def test_the_slope_uses_the_threshold_of_the_step():
    neuron, slopes = ALIF(), []
    neuron.probe = lambda h, s: slopes.append(_slope(neuron, h, s))
    torch.manual_seed(0)
    neuron(4 * torch.rand(3, 1, 50))
    _, above, _ = seen(ALIF(), ResidualPotential())
    by_hand = (2 / 2 / (1 + (torch.pi / 2 * 2 * above) ** 2)).mean()  # arctan, alpha = 2
    assert slopes[0].item() == pytest.approx(by_hand.item(), rel=1e-5)


@pytest.mark.parametrize("neuron", [ALIF, TTFS])
def test_the_potential_after_the_reset_of_an_own_step_is_rejected(neuron):
    with pytest.raises(ValueError, match=f"^NegativePotential: on must be H for {neuron.__name__}, whose own step .*; got V$"):
        Recorder(nn.Sequential(neuron()), [NegativePotential(on="V")])
    Recorder(nn.Sequential(neuron()), [NegativePotential(on="H")])

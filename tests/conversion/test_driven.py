"""Scales and biases that are found by simulating the spiking network."""

import copy

import pytest
import torch
from converting import SHAPE, images, network
from spikingjelly.activation_based import functional
from torch import nn

from snnx.conversion.calibrate import calibrate
from snnx.conversion.convert import convert
from snnx.conversion.driven import calibrate_biases, spike_maxima
from snnx.conversion.fold_norm import fold_norm
from snnx.conversion.links import Link, links

KINDS = ["resnet", "vgg", "convnet"]
STEPS = 16


def simulations():
    """One batch, whose 16 steps come in two pieces."""
    x = images(16, 2)
    yield x, (x.expand(STEPS // 2, *x.shape) for _ in range(2))


def prepared(kind):
    folded = fold_norm(network(kind), SHAPE)
    return folded, links(folded, SHAPE), calibrate(folded, lambda: [images(16, 2)])


def seen(spiking, names):
    """The currents and the spikes of each layer over all steps."""
    found = {name: ([], []) for name in names}
    for name, lists in found.items():
        hook = lambda m, given, s, lists=lists: (lists[0].append(given[0]), lists[1].append(s))  # noqa: E731
        spiking.get_submodule(name).register_forward_hook(lambda *args, hook=hook: hook(*args) and None)
    functional.reset_net(spiking)
    for _, pieces in simulations():
        for piece in pieces:
            spiking(piece)
    return {name: tuple(torch.cat(values) for values in lists) for name, lists in found.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_current_of_each_layer_is_its_threshold(kind):
    """Thresholds are 1, so the largest current in a simulation of the same steps is 1; with maxima of activations it is not."""
    folded, found, scales = prepared(kind)
    driven = spike_maxima(folded, found, scales, simulations)
    largest = [x.max().item() for x, _ in seen(convert(copy.deepcopy(folded), found, driven), driven).values()]
    assert largest == pytest.approx([1.0] * len(driven))
    before = [x.max().item() for x, _ in seen(convert(folded, found, scales), scales).values()]
    assert max(abs(value - 1) for value in before) > 0.1


def test_golden_bias():
    """One neuron, threshold 1, current 0.4 for 4 steps: one spike, a rate of 0.25. The bias makes up for the missing 0.15."""
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU(), nn.Linear(1, 1)).double()
    nn.init.ones_(net[0].weight)
    found, scales = {"0": Link(None, "1"), "2": Link("1", None)}, {"1": torch.tensor(1.0, dtype=torch.float64)}
    x = torch.full((3, 1), 0.4, dtype=torch.float64)
    spiking = convert(copy.deepcopy(net), found, scales)
    calibrate_biases(net, spiking, found, scales, lambda: [(x, [x.expand(4, 3, 1)])])
    assert spiking[0].bias.item() == pytest.approx(0.15)
    assert spiking[:2](x.expand(4, 3, 1)).mean().item() == 0.5  # 0.55 a step


@pytest.mark.parametrize("kind", KINDS)
def test_calibrated_biases_bring_scores_closer(kind):
    """After as many steps as the biases are for, the error of the mean output is smaller by a tenth or more."""
    folded, found, scales = prepared(kind)
    plain = convert(copy.deepcopy(folded), found, scales)
    spiking = calibrate_biases(folded, copy.deepcopy(plain), found, scales, simulations)
    wanted, errors = folded(images(16, 2)[None])[0], []
    for snn in (plain, spiking):
        functional.reset_net(snn)
        errors.append((snn(images(16, 2).expand(STEPS, 16, *SHAPE)).mean(0) - wanted).abs().mean().item())
    assert errors[1] < 0.9 * errors[0]

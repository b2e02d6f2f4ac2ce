"""ConvDirect gives the spikes of its neuron for a constant current, and its convolution learns."""

from functools import partial

import pytest
import torch
from spikingjelly.activation_based.functional import reset_net
from spikingjelly.activation_based.neuron import IFNode

from snnx.encoding.conv_direct import ConvDirect

NEURON = partial(IFNode, step_mode="m")


def test_spikes_are_those_of_the_neuron_for_a_constant_current():
    encoding = ConvDirect(timesteps=6, in_channels=2, neuron=NEURON).eval()
    x = torch.rand(3, 2, 5, 5)
    current = encoding.bn(encoding.conv(x)).repeat(6, 1, 1, 1, 1)
    assert torch.equal(encoding(x), NEURON()(current))


def test_steps_differ_by_the_state_and_a_reset_starts_over():
    torch.manual_seed(0)
    encoding = ConvDirect(timesteps=6, in_channels=1, neuron=NEURON).eval()
    x = torch.rand(3, 1, 8, 8) * 4
    first = encoding(x).clone()
    reset_net(encoding)
    assert torch.equal(encoding(x), first)
    assert first.std(0).max() > 0


def test_the_convolution_learns_and_has_no_bias():
    encoding = ConvDirect(timesteps=4, in_channels=1, neuron=NEURON)
    encoding(torch.rand(2, 1, 8, 8)).sum().backward()
    assert encoding.conv.weight.grad.abs().sum() > 0
    assert encoding.conv.bias is None


@pytest.mark.parametrize(("kernel", "norm"), [(1, True), (3, False), (5, True)])
def test_channels_kernel_and_norm_shape_the_current(kernel, norm):
    """Against torch's own layers with the same weights; without a norm the convolution has a bias."""
    encoding = ConvDirect(timesteps=3, in_channels=2, neuron=NEURON, channels=8, kernel=kernel, norm=norm).eval()
    x = torch.rand(2, 2, 7, 6)
    y = torch.nn.functional.conv2d(x, encoding.conv.weight, encoding.conv.bias, padding=(kernel - 1) // 2)
    current = torch.nn.BatchNorm2d(8).eval()(y) if norm else y
    assert (encoding.conv.bias is None) == norm
    assert encoding.out_channels == 8
    assert torch.equal(encoding(x), NEURON()(current.repeat(3, 1, 1, 1, 1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": 0}, "ConvDirect: channels must be at least 1, or null for as many as the image has; got 0"),
        ({"kernel": 4}, "ConvDirect: kernel must be odd and positive, so that the image keeps its size; got 4"),
        ({"kernel": -1}, "ConvDirect: kernel must be odd and positive, so that the image keeps its size; got -1"),
    ],
)
def test_wrong_sizes_are_rejected(arguments, message):
    with pytest.raises(ValueError, match=message):
        ConvDirect(timesteps=4, in_channels=1, neuron=NEURON, **arguments)

"""Contracts that every backbone must fulfil; any project's tests can call them."""

from collections.abc import Callable
from functools import partial

import torch
from spikingjelly.activation_based.functional import reset_net
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from snnx.backbone.backbone import MakesBackbone
from snnx.neuron.lif import LIF
from snnx.testing import over_time
from snnx.testing.must import must

STEPS, SAMPLES, CLASSES = 4, 3, 3
Neuron = Callable[[], nn.Module]
Shape = tuple[int, int, int]
FIRING = partial(LIF, v_threshold=0.1)


def shape(make: MakesBackbone, neuron: Neuron = FIRING, in_shape: Shape = (2, 32, 32)) -> None:
    """Input of any number of steps and samples gives finite scores of every step, `[T, B, classes]`.

    Args:
        make: builds the network, called with `neuron`, `in_shape`, `classes` and `width`.
        neuron: builds a neuron layer, for a backbone in which LIF neurons with a threshold of 0.1 do not fire.
        in_shape: `(C, H, W)` of the input, for a backbone that needs other images.

    Raises:
        AssertionError: the contract is broken; the message says in one line what the network must do.

    Example:
        >>> from snnx.backbone.convnet import ConvNet
        >>> for contract in CONTRACTS:
        ...     contract(partial(ConvNet, channels=[32, 32]), in_shape=(1, 8, 8))
    """
    network, x = _built(make, neuron, in_shape), _input(in_shape)
    for steps, samples in ((STEPS, SAMPLES), (1, 2)):
        reset_net(network)
        y = network(x[:steps, :samples])
        expected = [steps, samples, CLASSES]
        must(list(y.shape) == expected, network, f"return scores [T, B, classes] = {expected}; got {list(y.shape)}")
        must(bool(y.isfinite().all()), network, "return finite scores; got inf or nan")


def gradients(make: MakesBackbone, neuron: Neuron = FIRING, in_shape: Shape = (2, 32, 32)) -> None:
    """Every parameter gets a finite gradient.

    Args:
        make, neuron, in_shape: see `shape`.
    """
    network = _built(make, neuron, in_shape)
    network(_input(in_shape)).square().sum().backward()
    for name, parameter in network.named_parameters():
        gradient = parameter.grad
        must(gradient is not None or not parameter.requires_grad, network, f"pass a gradient to {name}; got none")
        finite = gradient is None or bool(gradient.isfinite().all())
        must(finite, network, f"pass a finite gradient to {name}; got inf or nan")


def rest(make: MakesBackbone, neuron: Neuron = FIRING, in_shape: Shape = (2, 32, 32)) -> None:
    """In evaluation, no state of the previous input is left after a reset, whatever its size was.

    Args:
        make, neuron, in_shape: see `shape`.
    """
    over_time.rest(*_in_evaluation(make, neuron, in_shape))


def causality(make: MakesBackbone, neuron: Neuron = FIRING, in_shape: Shape = (2, 32, 32)) -> None:
    """In evaluation, a later input does not change earlier scores.

    Args:
        make, neuron, in_shape: see `shape`.
    """
    over_time.causality(*_in_evaluation(make, neuron, in_shape))


def chunks(make: MakesBackbone, neuron: Neuron = FIRING, in_shape: Shape = (2, 32, 32)) -> None:
    """In evaluation, a sequence that is passed in parts without a reset gives the scores of the whole sequence.

    Args:
        make, neuron, in_shape: see `shape`.
    """
    over_time.chunks(*_in_evaluation(make, neuron, in_shape))


def batch_of_one(make: MakesBackbone, neuron: Neuron = FIRING, in_shape: Shape = (2, 32, 32)) -> None:
    """In evaluation, a sample gets the same scores alone and in a batch, and at any position in the batch.

    Args:
        make, neuron, in_shape: see `shape`.
    """
    network, x = _in_evaluation(make, neuron, in_shape)
    over_time.batch_of_one(network, x)
    over_time.order_of_samples(network, x)


def width(make: MakesBackbone, neuron: Neuron = FIRING, in_shape: Shape = (2, 32, 32)) -> None:
    """A larger factor on the width gives more parameters.

    Args:
        make, neuron, in_shape: see `shape`.
    """
    narrow, wide = (_built(make, neuron, in_shape, factor) for factor in (0.125, 0.5))
    sizes = [sum(p.numel() for p in network.parameters()) for network in (narrow, wide)]
    must(sizes[0] < sizes[1], wide, f"have more parameters with width=0.5 than with width=0.125; got {sizes[1]} and {sizes[0]}")


CONTRACTS = (shape, gradients, rest, causality, chunks, batch_of_one, width)
"""All contracts, for `pytest.mark.parametrize`."""


def _built(make: MakesBackbone, neuron: Neuron, in_shape: Shape, width: float = 0.125) -> nn.Module:
    torch.manual_seed(0)
    return make(neuron=neuron, in_shape=in_shape, classes=CLASSES, width=width)


def _input(in_shape: Shape) -> Tensor:
    return torch.rand(STEPS, SAMPLES, *in_shape, generator=torch.Generator().manual_seed(0))


def _in_evaluation(make: MakesBackbone, neuron: Neuron, in_shape: Shape) -> tuple[nn.Module, Tensor]:
    """A network that has seen one batch in training, in evaluation and in double precision, with an input that it responds to.

    With an input that makes no neuron fire, or every neuron, the contracts would prove nothing.

    Raises:
        AssertionError: all samples get the same scores, even if the input is scaled by 100.
    """
    for scale in (1.0, 3.0, 10.0, 30.0, 100.0):
        network, x = _built(make, neuron, in_shape), scale * _input(in_shape)
        for module in network.modules():
            if isinstance(module, _BatchNorm):
                module.momentum = None  # the running statistics become those of the batch, not a tenth of them
        over_time.from_rest(network, x)
        network, x = network.double().eval(), x.double()
        y = over_time.from_rest(network, x)
        if all(bool((y[:, sample] != y[:, 0]).any()) for sample in range(1, SAMPLES)):
            return network, x
    must(False, network, "give different scores to different samples; got the same, even if they are scaled by 100")
    return network, x

"""The contracts of quantizations: quantizations with one mistake each do not fulfil them."""

from contextlib import contextmanager

import pytest
import torch
from torch import nn

from snnx.quantization.symmetric import Symmetric, symmetric
from snnx.testing import quantization


class Lasting:
    """Does not restore the weights."""

    bits = [4]

    @contextmanager
    def applied(self, network, bits):
        with torch.no_grad():
            for layer in (network[0], network[3]):
                layer.weight.copy_(symmetric(layer.weight, bits))
        yield


class Careless(Symmetric):
    """Restores the weights unless there is an error."""

    @contextmanager
    def applied(self, network, bits):
        kept = [network[0].weight.detach().clone(), network[3].weight.detach().clone()]
        with torch.no_grad():
            for layer in (network[0], network[3]):
                layer.weight.copy_(symmetric(layer.weight, bits))
        yield
        with torch.no_grad():
            for layer, weight in zip((network[0], network[3]), kept, strict=True):
                layer.weight.copy_(weight)


class Replacing(Careless):
    """Restores the weights as other parameters."""

    @contextmanager
    def applied(self, network, bits):
        with super().applied(network, bits):
            yield
        network[0].weight = nn.Parameter(network[0].weight.detach().clone())


class Finer(Symmetric):
    """Has one bit more than it says."""

    def applied(self, network, bits):
        return super().applied(network, bits + 1)


class Coarse(Symmetric):
    """Has two bits only."""

    def applied(self, network, bits):
        return super().applied(network, 2 if bits > 4 else bits)


class Biased(Symmetric):
    """Rounds biases too."""

    @contextmanager
    def applied(self, network, bits):
        kept = network[0].bias.detach().clone()
        with super().applied(network, bits):
            network[0].bias.data.round_()
            yield
            network[0].bias.data.copy_(kept)


WRONG = [
    (quantization.levels, lambda: Finer(bits=[4]), "^Finer: must leave at most 4 values with 2 bits; got 7 in"),
    (quantization.levels, lambda: Biased(bits=[4]), "^Biased: must round weights only; got another 0.bias$"),
    (quantization.error, lambda: Coarse(bits=[4]), "^Coarse: must give no larger error with more bits; got {2: "),
    (quantization.restored, Lasting, "^Lasting: must restore 0.weight after the context; got another value$"),
    (quantization.restored, lambda: Careless(bits=[4]), "^Careless: must restore 0.weight after an error in the context; got"),
    (quantization.restored, lambda: Replacing(bits=[4]), "^Replacing: must keep the parameter 0.weight after the context; got"),
]


@pytest.mark.parametrize(("contract", "make", "message"), WRONG)
def test_a_quantization_with_a_mistake(contract, make, message):
    with pytest.raises(AssertionError, match=message):
        contract(make)


def test_every_contract_finds_a_mistake():
    assert {contract for contract, *_ in WRONG} == set(quantization.CONTRACTS)

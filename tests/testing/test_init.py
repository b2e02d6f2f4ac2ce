"""The contracts of initial weights: initialisations with one mistake each do not fulfil them."""

import pytest
import torch
from torch import nn

from snnx.testing import init


class Half:
    """Leaves out linear layers."""

    def __call__(self, network):
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.reset_parameters()


class Everything:
    """Also draws the parameters of norms."""

    def __call__(self, network):
        for parameter in network.parameters():
            nn.init.normal_(parameter)


class Drawn:
    """Draws from a generator, of its own or with a seed of its own."""

    def __init__(self, seed):
        self.draw = torch.Generator().manual_seed(0)
        self.seed = seed

    def __call__(self, network):
        if self.seed is not None:
            self.draw.manual_seed(self.seed)
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                for parameter in module.parameters():
                    nn.init.normal_(parameter, generator=self.draw)


WRONG = [
    (init.layers, Half, "^Half: must draw 6.weight; got the value from before$"),
    (
        init.layers,
        Everything,
        "^Everything: must keep 1.weight, which is no weight or bias of a convolution or linear layer; got",
    ),
    (init.seeds, lambda: Drawn(None), "^Drawn: must draw the same 0.weight from the same seed; got another value$"),
    (init.seeds, lambda: Drawn(3), "^Drawn: must draw another 0.weight from another seed; got the same$"),
]


@pytest.mark.parametrize(("contract", "make", "message"), WRONG)
def test_a_part_with_a_mistake(contract, make, message):
    with pytest.raises(AssertionError, match=message):
        contract(make)


def test_every_contract_finds_a_mistake():
    assert {contract for contract, *_ in WRONG} == set(init.CONTRACTS)

"""The contracts of backbones: a backbone fulfils them, and backbones with one mistake each do not."""

import math

import pytest
import torch
from torch import nn

from snnx.testing import backbone


class Flat(nn.Module):
    """Two linear layers; the broken backbones change what it does."""

    def __init__(self, *, neuron, in_shape, classes, width):
        super().__init__()
        hidden = round(64 * width)
        self.layers = nn.Sequential(nn.Flatten(2), nn.Linear(math.prod(in_shape), hidden), neuron(), nn.Linear(hidden, classes))
        nn.init.uniform_(self.layers[1].weight, -0.1, 0.1)

    def forward(self, x):
        return self.layers(x)


class Decoded(Flat):
    """Returns the mean over time."""

    def forward(self, x):
        return super().forward(x).mean(0)


class Endless(Flat):
    def forward(self, x):
        return super().forward(x) / 0


class Constant(Flat):
    """Has neurons that fire at every step."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        nn.init.constant_(self.layers[1].weight, 1)
        nn.init.constant_(self.layers[1].bias, 100)


class Unused(Flat):
    """Has a parameter that it does not use."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.gain = nn.Parameter(torch.ones(()))


class Infinite(Flat):
    """Has an infinite derivative."""

    def forward(self, x):
        return super().forward(x) + (0 * self.layers[3].bias).abs().sqrt()


class Keeps(Flat):
    """Adds up the means of all inputs, and no reset sets this to 0."""

    total = 0.0

    def forward(self, x):
        self.total += x.mean()
        return super().forward(x) + self.total


class Foresees(Flat):
    """Uses the mean over all time steps."""

    def forward(self, x):
        return super().forward(x + x.mean(0))


class Counts(Flat):
    """Counts the steps of each call."""

    def forward(self, x):
        return super().forward(x) + torch.arange(len(x)).view(-1, 1, 1)


class Centred(Flat):
    """Subtracts the mean of the batch."""

    def forward(self, x):
        return super().forward(x) - super().forward(x).mean(1, keepdim=True)


class Fixed(Flat):
    """Ignores the width."""

    def __init__(self, *, width, **arguments):
        super().__init__(width=0.25, **arguments)


WRONG = [
    (backbone.shape, Decoded, r"^Decoded: must return scores \[T, B, classes\] = \[4, 3, 3\]; got \[3, 3\]$"),
    (backbone.shape, Endless, "^Endless: must return finite scores; got inf or nan$"),
    (
        backbone.causality,
        Constant,
        "^Constant: must give different scores to different samples; got the same, even if they are",
    ),
    (backbone.gradients, Unused, "^Unused: must pass a gradient to gain; got none$"),
    (backbone.gradients, Infinite, "^Infinite: must pass a finite gradient to layers.3.bias; got inf or nan$"),
    (
        backbone.rest,
        Keeps,
        "^Keeps: must give the same output again after a reset; got another one: declare what it remembers by",
    ),
    (backbone.causality, Foresees, "^Foresees: must give the same output for any later input; got another one$"),
    (backbone.chunks, Counts, "^Counts: must give the output of the whole sequence if it is passed in parts; got another one$"),
    (backbone.batch_of_one, Centred, "^Centred: must give a sample the same output alone and in a batch; got another one$"),
    (backbone.width, Fixed, r"^Fixed: must have more parameters with width=0.5 than with width=0.125; got (\d+) and \1$"),
]


@pytest.mark.parametrize("contract", backbone.CONTRACTS)
def test_a_backbone_without_a_mistake(contract):
    contract(Flat)


@pytest.mark.parametrize(("contract", "make", "message"), WRONG)
def test_a_backbone_with_a_mistake(contract, make, message):
    with pytest.raises(AssertionError, match=message):
        contract(make)


def test_every_contract_finds_a_mistake():
    assert {contract for contract, *_ in WRONG} == set(backbone.CONTRACTS)

"""The contracts of decodings: decodings with one mistake each do not fulfil them."""

import pytest
import torch
from torch import nn

from snnx.decoding.mean_logits import MeanLogits
from snnx.testing import decoding


class Both(MeanLogits):
    """Subtracts the mean over the samples."""

    def forward(self, y):
        return super().forward(y) - super().forward(y).mean(0)


class Trains(MeanLogits):
    """Subtracts the mean over the samples in training."""

    def forward(self, y):
        return super().forward(y) - (super().forward(y).mean(0) if self.training else 0)


class Weighs(MeanLogits):
    """Multiplies each sample by a factor that depends on its position in the batch."""

    def forward(self, y):
        return super().forward(y) * torch.linspace(1, 2, y.shape[1]).view(-1, 1)


class Four(nn.Module):
    """Takes the fourth step, which is missing in a shorter run."""

    def forward(self, y):
        return y[:4].sum(0) if len(y) == 4 else y


class Remembers(MeanLogits):
    """Adds up the means of all scores, and no reset sets this to 0."""

    total = 0.0

    def forward(self, y):
        scores = super().forward(y)
        self.total += float(scores.detach().mean())
        return scores + self.total


class Cuts(MeanLogits):
    def forward(self, y):
        return super().forward(y.detach()) + 0 * super().forward(y)


WRONG = [
    (decoding.shape, nn.Identity, r"^Identity: must return scores \[B, K\] = \[5, 10\] of 1 steps; got \[1, 5, 10\]$"),
    (decoding.shape, Four, r"^Four: must return scores \[B, K\] = \[5, 10\] of 1 steps; got \[1, 5, 10\]$"),
    (decoding.gradients, Cuts, "^Cuts: must pass a gradient to the outputs that is not zero everywhere; got zeros$"),
    (
        decoding.rest,
        Remembers,
        "^Remembers: must give the same scores again after a reset; got different ones: declare what it remembers by",
    ),
    (decoding.batch_of_one, Both, "^Both: must give a sample the same scores alone and in a batch; got different ones$"),
    (decoding.batch_of_one, Trains, "^Trains: must give a sample the same scores alone and in a batch; got different ones$"),
    (decoding.order_of_samples, Weighs, "^Weighs: must not depend on the order of samples in a batch; got different scores$"),
]


@pytest.mark.parametrize(("contract", "make", "message"), WRONG)
def test_a_decoding_with_a_mistake(contract, make, message):
    with pytest.raises(AssertionError, match=message):
        contract(make)


def test_every_contract_finds_a_mistake():
    assert {contract for contract, *_ in WRONG} == set(decoding.CONTRACTS)

"""The contracts of norms: norms with one mistake each do not fulfil them."""

import pytest
import torch

from snnx.norm.batch import Batch
from snnx.testing import norm


class Whole(Batch):
    """Subtracts the mean over all samples and steps, also in evaluation."""

    def forward(self, x):
        return super().forward(x) - x.mean()


class Weighs(Batch):
    """Multiplies each sample by a factor that depends on its position in the batch."""

    def forward(self, x):
        return super().forward(x) * torch.linspace(1, 2, x.shape[1]).view(-1, *[1] * (x.ndim - 2))


class OverTime(Batch):
    def forward(self, x):
        return super().forward(x) - x.mean(0)


class Learns(Batch):
    def forward(self, x):
        self.train()
        return super().forward(x)


class Idle(Batch):
    def forward(self, x):
        return x


class Unasked(torch.nn.Module):
    """It does not take what a backbone builds it with."""

    def __init__(self, channels, *, v_threshold):
        super().__init__()


WRONG = [
    (norm.shape, Unasked, "^Unasked: must take channels, v_threshold and meets_sum, .*; got TypeError: .*meets_sum'$"),
    (norm.shape, Idle, "^Idle: must pass a gradient to weight; got none$"),
    (norm.batch_of_one, Whole, "^Whole: must normalise a sample in the same way alone and in a batch, in evaluation; got"),
    (norm.order_of_samples, Weighs, "^Weighs: must not depend on the order of samples in a batch, in evaluation; got"),
    (norm.causality, OverTime, "^OverTime: must not depend on later time steps, in evaluation; got different values$"),
    (norm.frozen, Learns, "^Learns: must not change running_mean in evaluation; got another value$"),
]


@pytest.mark.parametrize(("contract", "make", "message"), WRONG)
def test_a_norm_with_a_mistake(contract, make, message):
    with pytest.raises(AssertionError, match=message):
        contract(make)


def test_every_contract_finds_a_mistake():
    assert {contract for contract, *_ in WRONG} == set(norm.CONTRACTS)

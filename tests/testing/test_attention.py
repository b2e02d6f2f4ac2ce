"""The contracts of the parts of an attention: parts with one mistake each do not fulfil them."""

import pytest
import torch
from torch import nn

from snnx.testing import attention


class Fewer(nn.Module):
    """Leaves out the last token."""

    def forward(self, x):
        return x[:, :, :-1]


class Silent(nn.Module):
    """Returns the same for every input."""

    def forward(self, x):
        return 0 * x


class Unused(nn.Module):
    """Has a parameter that it does not use."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return x


class Infinite(nn.Module):
    """Has an infinite derivative where two tokens have the score 0."""

    def __init__(self, heads, head_dim):
        super().__init__()

    def forward(self, scores):
        return scores + 0 * scores.abs().sqrt()


class Tires(nn.Module):
    """Gets weaker with every call, which no reset changes."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return x / self.calls


class Backwards(nn.Module):
    """Also reads later steps."""

    def forward(self, x):
        return x + x.flip(0)


class Centred(nn.Module):
    """Subtracts the mean of the batch."""

    def forward(self, x):
        return 2 * x - x.mean(1, keepdim=True)


WRONG = [
    (attention.shape, {"temporal": Fewer}, r"must keep the shape of its input, \[6, 5, 7, 8\]; got \[6, 5, 5, 8\]$"),
    (attention.shape, {"temporal": Silent}, "must fire for some inputs and not for others; got a mean of 0$"),
    (attention.gradients, {"temporal": Unused}, "must pass a gradient to temporal.gain; got none$"),
    (attention.gradients, {"denoiser": Infinite}, "must pass a finite gradient to its input; got inf or nan$"),
    (
        attention.rest,
        {"temporal": Tires},
        "must give the same output again after a reset; got another one: declare what it remembers by",
    ),
    (attention.causality, {"temporal": Backwards}, "must give the same output for any later input; got another one$"),
    (
        attention.batch_of_one,
        {"temporal": Centred},
        "must give a sample the same output alone and in a batch; got another one$",
    ),
]


@pytest.mark.parametrize(("contract", "parts", "message"), WRONG)
def test_a_part_with_a_mistake(contract, parts, message):
    with pytest.raises(AssertionError, match=f"^SelfAttention: {message}"):
        contract(**parts)


def test_every_contract_finds_a_mistake():
    assert {contract for contract, *_ in WRONG} == set(attention.CONTRACTS)

"""The contracts of encodings: encodings with one mistake each do not fulfil them."""

from functools import partial

import pytest
import torch

from snnx.encoding.repeat import Repeat
from snnx.testing import encoding


class Backwards(Repeat):
    def forward(self, x):
        return super().forward(x).transpose(0, 1)


class Halves(Repeat):
    def forward(self, x):
        return super().forward(x).half()


class Noisy(Repeat):
    def forward(self, x):
        return super().forward(x) + torch.rand(())


class Draws(Repeat):
    """Draws from torch's own generator, and gives the same nevertheless."""

    def forward(self, x):
        return super().forward(x) + 0 * torch.rand(())


class Centred(Repeat):
    """Subtracts the mean of the batch."""

    def forward(self, x):
        return super().forward(x) - x.mean(0)


class Keeps(Repeat):
    """Adds the mean of the batch before, unless it is the same batch."""

    last = None

    def forward(self, x):
        before, self.last = self.last, x
        return super().forward(x) + (0 if before is None or torch.equal(before, x) else before.mean())


def make(kind):
    return partial(kind, timesteps=4, in_channels=1)


WRONG = [
    (encoding.shape, make(Backwards), r"^Backwards: must return \[T, B, .*\] = \[4, 3, 1\]; got"),
    (encoding.shape, make(Halves), "^Halves: must return the dtype of its input, torch.float32; got torch.float16$"),
    (encoding.repetition, make(Noisy), "^Noisy: must return the same in every evaluation after"),
    (encoding.repetition, make(Draws), "^Draws: must draw no numbers from torch's own generator in evaluation; got draws"),
    (encoding.batch_of_one, make(Centred), "^Centred: must encode a sample in the same way alone and in a batch; got"),
    (encoding.batch_of_one, make(Keeps), "^Keeps: must encode a sample in the same way alone and in a batch; got"),
]


@pytest.mark.parametrize(("contract", "make", "message"), WRONG)
def test_a_part_with_a_mistake(contract, make, message):
    with pytest.raises(AssertionError, match=message):
        contract(make)


def test_every_contract_finds_a_mistake():
    assert {contract for contract, *_ in WRONG} == set(encoding.CONTRACTS)

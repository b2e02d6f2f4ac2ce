"""The contracts of schedules: torch's and schedules with one mistake each."""

import pytest
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR

from snnx.testing import scheduler


@pytest.mark.parametrize("contract", scheduler.CONTRACTS)
def test_a_schedule_of_torch(contract):
    contract(lambda optimizer, total_steps: OneCycleLR(optimizer, max_lr=0.5, total_steps=total_steps + 1))


class Below(LambdaLR):
    """Falls below 0."""

    def __init__(self, optimizer, total_steps):
        super().__init__(optimizer, lambda step: 1 - 2 * step / total_steps)


class Divides(LambdaLR):
    """Is not defined for a training of one step."""

    def __init__(self, optimizer, total_steps):
        super().__init__(optimizer, lambda step: float("inf") if total_steps == 1 else 1 / total_steps)


class First(LambdaLR):
    """Has a rate of 0 for all groups but the first."""

    def __init__(self, optimizer, total_steps):
        super().__init__(optimizer, [lambda step: 1.0, lambda step: 0.0])


class Forgets(LambdaLR):
    """Counts its steps where `state_dict()` does not see them."""

    def __init__(self, optimizer, total_steps):
        self.calls = iter(range(10_000))
        super().__init__(optimizer, lambda step: 1 / (1 + next(self.calls)))

    def state_dict(self):
        return {key: value for key, value in super().state_dict().items() if key != "calls"}


WRONG = [
    (scheduler.rates, Below, r"^Below: must set rates of at least 0 after 1 of 1 steps; got \[-0.5, -0.5\]$"),
    (scheduler.rates, Divides, r"^Divides: must set rates of at least 0 after 0 of 1 steps; got \[inf, inf\]$"),
    (
        scheduler.training,
        First,
        "^First: must let the optimizer change the parameters of group 1; got rates of 0 at all steps$",
    ),
    (scheduler.resumed, Forgets, r"^Forgets: must set \[.*\] after 11 steps of a resumed training; got \["),
]


@pytest.mark.parametrize(("contract", "make", "message"), WRONG)
def test_a_part_with_a_mistake(contract, make, message):
    with pytest.raises(AssertionError, match=message):
        contract(make)


def test_every_contract_finds_a_mistake():
    assert {contract for contract, *_ in WRONG} == set(scheduler.CONTRACTS)

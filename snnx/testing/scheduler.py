"""Contracts that every schedule of learning rates must fulfil; any project's tests can call them."""

import torch
from torch.optim.lr_scheduler import LRScheduler

from snnx.scheduler.scheduler import MakesSchedule
from snnx.testing.must import must

STEPS = 20


def rates(make: MakesSchedule) -> None:
    """In a training of any length, each parameter group has a finite rate at every step, which is never negative.

    Args:
        make: builds the schedule, called with the optimizer and the number of steps.

    Raises:
        AssertionError: the contract is broken; the message says in one line what the schedule must do.

    Example:
        >>> from snnx.scheduler.cosine import Cosine
        >>> for contract in CONTRACTS:
        ...     contract(Cosine)
    """
    for steps in (1, 2, STEPS):
        schedule = make(_optimizer(), steps)
        for step in range(steps + 1):
            if step:
                _step(schedule)
            found = torch.tensor(_rates(schedule))
            valid = bool(found.isfinite().all()) and bool((found >= 0).all())
            must(valid, schedule, f"set rates of at least 0 after {step} of {steps} steps; got {found.tolist()}")


def training(make: MakesSchedule) -> None:
    """A training with the schedule changes the parameters of every group.

    Args:
        make: see `rates`.
    """
    schedule = make(_optimizer(), STEPS)
    for _ in range(STEPS):
        _step(schedule)
    for number, group in enumerate(schedule.optimizer.param_groups):
        changed = all(bool(parameter.detach().any()) for parameter in group["params"])
        must(changed, schedule, f"let the optimizer change the parameters of group {number}; got rates of 0 at all steps")


def resumed(make: MakesSchedule) -> None:
    """A schedule that continues from `state_dict()` sets the rates of an uninterrupted training.

    Args:
        make: see `rates`.
    """
    whole, first, rest = (make(_optimizer(), STEPS) for _ in range(3))
    for _ in range(STEPS // 2):
        _step(whole)
        _step(first)
    rest.optimizer.load_state_dict(first.optimizer.state_dict())
    rest.load_state_dict(first.state_dict())
    for step in range(STEPS // 2, STEPS):
        got, expected = _rates(rest), _rates(whole)
        must(got == expected, rest, f"set {expected} after {step} steps of a resumed training; got {got}")
        _step(whole)
        _step(rest)


CONTRACTS = (rates, training, resumed)
"""All contracts, for `pytest.mark.parametrize`."""


def _optimizer() -> torch.optim.Optimizer:
    """Two groups, as a method makes them: one with weight decay, and one without."""
    groups = [{"params": [torch.zeros(2, requires_grad=True)]}, {"params": [torch.zeros(1, requires_grad=True)]}]
    return torch.optim.SGD([groups[0], {**groups[1], "weight_decay": 0.0}], lr=0.5, weight_decay=0.1)


def _step(schedule: LRScheduler) -> None:
    for group in schedule.optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.ones_like(parameter)
    schedule.optimizer.step()
    schedule.step()


def _rates(schedule: LRScheduler) -> list[float]:
    """The rate of each group, as the optimizer will use it."""
    return [float(group["lr"]) for group in schedule.optimizer.param_groups]

"""Learning rates over a training equal the formula of each schedule, and shares outside the training are rejected."""

import math

import pytest
import torch

from snnx.scheduler.constant import Constant
from snnx.scheduler.cosine import Cosine
from snnx.scheduler.milestones import Milestones
from snnx.scheduler.warmup_cosine import WarmupCosine

STEPS = 20


def optimizer() -> torch.optim.SGD:
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)


def rates(schedule) -> list[float]:
    """The learning rate of each of the 20 steps."""
    found = []
    for _ in range(STEPS):
        found += schedule.get_last_lr()
        schedule.optimizer.step()
        schedule.step()
    return found


def cosine(n: int, warm: float, start: float, end: float) -> float:
    if n < warm:
        return start + (1 - start) * n / warm
    return end + (1 - end) * (1 + math.cos(math.pi * (n - warm) / (STEPS - warm))) / 2


@pytest.mark.parametrize(("warmup", "start", "end"), [(0.0, 0.0, 0.0), (0.25, 0.2, 0.1), (0.05, 0.0, 0.0)])
def test_cosine_equals_its_formula(warmup, start, end):
    found = rates(Cosine(optimizer(), STEPS, warmup=warmup, start=start, end=end))
    assert found == pytest.approx([0.5 * cosine(n, warmup * STEPS, start, end) for n in range(STEPS)])


def test_warmup_cosine_is_cosine_with_a_warm_up():
    assert rates(WarmupCosine(optimizer(), STEPS)) == rates(Cosine(optimizer(), STEPS, warmup=0.05))


def test_milestones_drop_at_shares_of_the_training():
    assert rates(Milestones(optimizer(), STEPS, at=[0.5, 0.75], gamma=0.1)) == pytest.approx(
        [0.5] * 10 + [0.05] * 5 + [0.005] * 5
    )


def test_constant_keeps_the_rate():
    assert rates(Constant(optimizer(), STEPS)) == [0.5] * STEPS


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Cosine(optimizer(), 4, warmup=1.0), r"^Cosine: warmup must be a share of the steps in \[0, 1\); got 1.0"),
        (lambda: WarmupCosine(optimizer(), 4, warmup=-0.1), r"^WarmupCosine: warmup must be a share .*; got -0.1"),
        (lambda: Milestones(optimizer(), 4, at=[0.5, 1]), r"^Milestones: at must contain shares .* \(0, 1\); got \[0.5, 1\]"),
    ],
)
def test_shares_outside_the_training_are_rejected(build, message):
    with pytest.raises(ValueError, match=message):
        build()

"""Rate coding: the probability of a spike, and the generator of the random numbers."""

import copy

import pytest
import torch

from snnx.encoding.rate import Rate


@pytest.mark.parametrize("training", [True, False])
def test_zero_never_fires_and_one_always_does(training):
    rate = Rate(timesteps=1000, in_channels=1, eval_encoder_seed=0).train(training)
    assert rate(torch.zeros(1, 1, 16, 16)).sum() == 0
    assert rate(torch.ones(1, 1, 16, 16)).mean() == 1


def test_brightness_is_the_firing_probability():
    """Each mean of n = 20,000 draws lies within 5 standard deviations, 5 * sqrt(x (1 - x) / n), of x."""
    torch.manual_seed(0)
    x = torch.linspace(0.05, 0.95, 10).view(1, 1, 2, 5)
    mean = Rate(timesteps=20_000, in_channels=1, eval_encoder_seed=0)(x).mean(0)
    assert ((mean - x).abs() <= 5 * (x * (1 - x) / 20_000).sqrt()).all()


def test_training_draws_from_the_global_generator_at_each_call():
    rate = Rate(timesteps=8, in_channels=1, eval_encoder_seed=0)
    x = torch.full((2, 1, 8, 8), 0.5)
    torch.manual_seed(3)
    first, second = rate(x), rate(x)
    torch.manual_seed(3)
    assert torch.equal(rate(x), first)
    assert not torch.equal(first, second)


def test_batches_of_one_evaluation_differ_and_the_seed_matters():
    x = torch.full((2, 1, 8, 8), 0.5)
    rate = Rate(timesteps=8, in_channels=1, eval_encoder_seed=0).eval()
    first, second = rate(x), rate(x)
    assert not torch.equal(first, second)
    other = Rate(timesteps=8, in_channels=1, eval_encoder_seed=1).eval()
    assert not torch.equal(other(x), first)


def test_evaluation_works_without_begin_evaluation():
    x = torch.full((2, 1, 8, 8), 0.5)
    rate = Rate(timesteps=8, in_channels=1, eval_encoder_seed=0).eval()
    lazily = rate(x)
    rate.begin_evaluation()
    assert torch.equal(rate(x), lazily)


def test_it_can_be_copied_in_the_middle_of_an_evaluation():
    x = torch.full((1, 1, 8, 8), 0.5)
    rate = Rate(timesteps=8, in_channels=1, eval_encoder_seed=0).eval()
    rate(x)
    assert torch.equal(copy.deepcopy(rate)(x), rate(x))

"""Rate coding: the probability of a spike, and the generator of the random numbers."""

import copy

import pytest
import torch

from snnx.encoding.rate import Rate


@pytest.mark.parametrize("training", [True, False])
def test_zero_never_fires_and_one_always_does(training):
    rate = Rate(timesteps=1000, in_channels=1, eval_seed=0).train(training)
    assert rate(torch.zeros(1, 1, 16, 16)).sum() == 0
    assert rate(torch.ones(1, 1, 16, 16)).mean() == 1


def test_brightness_is_the_firing_probability():
    """Each mean of n = 20,000 draws lies within 5 standard deviations, 5 * sqrt(x (1 - x) / n), of x."""
    torch.manual_seed(0)
    x = torch.linspace(0.05, 0.95, 10).view(1, 1, 2, 5)
    mean = Rate(timesteps=20_000, in_channels=1, eval_seed=0)(x).mean(0)
    assert ((mean - x).abs() <= 5 * (x * (1 - x) / 20_000).sqrt()).all()


def test_training_draws_from_the_global_generator_at_each_call():
    rate = Rate(timesteps=8, in_channels=1, eval_seed=0)
    x = torch.full((2, 1, 8, 8), 0.5)
    torch.manual_seed(3)
    first, second = rate(x), rate(x)
    torch.manual_seed(3)
    assert torch.equal(rate(x), first)
    assert not torch.equal(first, second)


def test_samples_and_batches_of_an_evaluation_are_independent_and_the_seed_matters():
    """Of n = 32,000 pairs of draws at x = 0.5, half are equal, within 5 standard deviations, 5 * sqrt(0.25 / n)."""
    x = torch.full((2, 1, 20, 20), 0.5)
    rate, other = (Rate(timesteps=40, in_channels=1, eval_seed=seed).eval() for seed in (0, 1))
    first = rate(x)
    rate.reset()
    pairs = [(first[:, 0], first[:, 1]), (first, rate(x)), (first, other(x))]
    for one, another in pairs:
        assert abs((one == another).float().mean() - 0.5) <= 5 * (0.25 / one.numel()) ** 0.5


def test_a_sample_has_the_same_spikes_in_any_batch_and_at_any_precision():
    rate = Rate(timesteps=6, in_channels=1, eval_seed=0).eval()
    x = torch.rand(5, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    whole = rate(x)
    rate.begin_evaluation()
    found = []
    for part in x.split(2):  # without places, batches follow each other
        rate.reset()
        found.append(rate(part))
    assert torch.equal(torch.cat(found, 1), whole)
    order = torch.tensor([3, 0, 4])
    rate.next_places(order)
    assert torch.equal(rate(x[order]), whole[:, order])
    rate.next_places(order[:1])
    assert torch.equal(rate(x[3:4].double()), whole[:, 3:4].double())


def test_a_batch_that_is_encoded_again_gets_later_steps():
    x = torch.full((2, 1, 8, 8), 0.5)
    rate = Rate(timesteps=4, in_channels=1, eval_seed=0).eval()
    first, second = rate(x), rate(x)
    assert not torch.equal(first, second)
    rate.next_places(torch.arange(2))
    assert torch.equal(rate(x), first)
    assert torch.equal(rate(x), second)


def test_evaluation_works_without_begin_evaluation():
    x = torch.full((2, 1, 8, 8), 0.5)
    rate = Rate(timesteps=8, in_channels=1, eval_seed=0).eval()
    lazily = rate(x)
    rate.begin_evaluation()
    assert torch.equal(rate(x), lazily)


def test_it_can_be_copied_in_the_middle_of_an_evaluation():
    x = torch.full((1, 1, 8, 8), 0.5)
    rate = Rate(timesteps=8, in_channels=1, eval_seed=0).eval()
    rate(x)
    assert torch.equal(copy.deepcopy(rate)(x), rate(x))


@pytest.mark.parametrize("training", [True, False])
def test_the_trains_of_a_pixel_are_independent_and_belong_to_its_channel(training):
    """Channel c*trains + i fires with the brightness x of channel c. The share of n = 16,000 pairs of draws with two spikes is
    x^2, within 5 standard deviations, 5 * sqrt(x^2 (1 - x^2) / n).
    """
    torch.manual_seed(0)
    rate = Rate(timesteps=1000, in_channels=2, eval_seed=0, trains=3).train(training)
    x = torch.tensor([0.5, 1.0]).view(1, 2, 1, 1).expand(16, 2, 1, 1)
    spikes = rate(x).flatten(3).squeeze(3)
    assert spikes.shape == (1000, 16, 6)
    assert (spikes[..., 3:] == 1).all()
    both = (spikes[..., 0] * spikes[..., 1]).mean()
    assert abs(both - 0.25) <= 5 * (0.25 * 0.75 / 16_000) ** 0.5


def test_no_train_is_rejected():
    with pytest.raises(ValueError, match="Rate: trains must be at least 1; got 0"):
        Rate(timesteps=4, in_channels=1, eval_seed=0, trains=0)

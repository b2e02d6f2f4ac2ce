"""Rate coding: the probability of a spike, and the generator of the random numbers."""

import copy

import pytest
import torch
from composing import configuration
from counters import counted
from spikingjelly.activation_based.layer import SeqToANNContainer
from torch import nn

from snnx.encoding.rate import Rate
from snnx.energy.fan_out import fan_out
from snnx.metric.nonzero_input import NonzeroInput


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


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_signed_spikes_are_those_of_the_published_poisson_input(training, gain):
    """Hybrid training: sign(x) * 1[u <= |x|]; BNTT: sign(x) * 1[2u <= |x|], with the same draws u. No pixel equals its draw."""
    x = 1.5 * torch.randn(3, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    signed = Rate(timesteps=20, in_channels=2, eval_seed=5, signed=True, gain=gain).train(training)
    plain = Rate(timesteps=20, in_channels=2, eval_seed=5).train(training)
    if training:
        torch.manual_seed(1)
        found = signed(x)
        torch.manual_seed(1)
        u = torch.empty(20, *x.shape).uniform_()
    else:
        found = signed(x)
        seeds = [(5 * 0x9E3779B1 + place) % 2**32 for place in range(3)]
        u = torch.stack([torch.empty(20, 2, 8, 8).uniform_(generator=torch.Generator().manual_seed(s)) for s in seeds], 1)
    assert torch.equal(found, x.sign() * (u / gain <= x.abs()))
    assert found.unique().tolist() == [-1.0, 0.0, 1.0]
    if training:
        torch.manual_seed(1)
    assert torch.equal(plain(x.abs().clamp(max=1)) * x.sign(), found) == (gain == 1)  # the same draws as without a sign


def test_a_gain_is_the_probability_of_a_white_pixel():
    """Of n = 20,000 draws, a share of 0.25 fires, within 5 standard deviations, 5 * sqrt(0.25 * 0.75 / n)."""
    torch.manual_seed(0)
    mean = Rate(timesteps=20_000, in_channels=1, eval_seed=0, gain=0.25)(torch.ones(1, 1, 1, 1)).mean()
    assert abs(mean - 0.25) <= 5 * (0.25 * 0.75 / 20_000) ** 0.5


def test_a_spike_with_a_sign_counts_as_a_spike():
    """The network sees -1; the number of additions is that of the same spikes without a sign, and no layer reads values."""
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    spikes = Rate(timesteps=6, in_channels=3, eval_seed=0, signed=True).eval()(x)
    assert (spikes == -1).any()
    convolution = nn.Conv2d(3, 4, 3, bias=False)
    signed, plain = (counted(SeqToANNContainer(convolution), one) for one in (spikes, spikes.abs()))
    assert signed == plain
    assert signed["synops"] == fan_out(convolution, spikes).sum(0).mean().item()
    assert signed["macs"] == 0
    seen, without = (NonzeroInput().measure_input(x, one) for one in (spikes, spikes.abs()))
    assert torch.equal(seen["nonzero_input_percent"]["input"], without["nonzero_input_percent"]["input"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trains": 0}, "^Rate: trains must be at least 1; got 0$"),
        ({"gain": 0}, r"^Rate: gain must be in \(0, 1\]; got 0$"),
        ({"gain": 2}, r"^Rate: gain must be in \(0, 1\]; got 2$"),
    ],
)
def test_bad_values(arguments, message):
    with pytest.raises(ValueError, match=message):
        Rate(timesteps=4, in_channels=1, eval_seed=0, **arguments)


def test_a_pixel_below_zero_needs_a_sign_and_a_pixel_that_is_no_number_is_rejected():
    with pytest.raises(ValueError, match=r"^Rate: x must be in \[0, 1\]; got -1 to 1; set dataset.normalize=false$"):
        Rate(timesteps=4, in_channels=1, eval_seed=0)(torch.tensor([-1.0, 1.0]).view(1, 1, 1, 2))
    with pytest.raises(ValueError, match=r"^Rate: x must be in \[-inf, inf\]; got nan to nan"):
        Rate(timesteps=4, in_channels=1, eval_seed=0, signed=True)(torch.full((1, 1, 1, 1), torch.nan))


@pytest.mark.parametrize(("recipe", "gain"), [("hybrid_cifar10", 1.0), ("bntt_cifar10", 0.5)])
def test_the_recipes_of_hybrid_training_and_bntt_have_signed_spikes(recipe, gain):
    config = configuration(f"recipe={recipe}")
    assert (config["encoding"]["signed"], config["encoding"]["gain"], config["dataset"]["normalize"]) == (True, gain, True)

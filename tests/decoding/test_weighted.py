"""Weights that fall with time: they prefer early steps, and potentials decide between equal scores of spikes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnx.decoding.mean_logits import MeanLogits
from snnx.decoding.temporal_linear import TemporalLinear
from snnx.decoding.temporal_weighted import TemporalWeighted
from snnx.decoding.weighted_spikes import WeightedSpikes
from snnx.neuron.if_ import IF
from snnx.neuron.ttfs import TTFS


@pytest.mark.parametrize("timesteps", [2, 5, 16])
def test_with_base_two_one_early_spike_beats_all_later_ones(timesteps):
    for first in range(timesteps - 1):
        y = torch.zeros(timesteps, 1, 2)
        y[first, 0, 0], y[first + 1 :, 0, 1] = 1, 1
        early, late = TemporalWeighted(gamma=2)(y)[0]
        assert early > late
    assert TemporalWeighted(gamma=1.2)(torch.tensor([[[1.0, 0]], [[0, 1]], [[0, 1]]]))[0].argmax() == 1


@settings(max_examples=30)
@given(st.integers(1, 12), st.floats(1, 10))
def test_weights_start_at_one_and_never_rise(timesteps, gamma):
    for decoding in (TemporalWeighted(gamma=gamma), TemporalLinear(timesteps=timesteps)):
        weights = decoding.weights(torch.zeros(timesteps, 1, 1))
        assert weights[0] == 1
        assert (weights > 0).all()
        assert (weights.diff() <= 0).all()


def test_gamma_one_gives_the_sum():
    y = torch.rand(6, 2, 3)
    torch.testing.assert_close(TemporalWeighted(gamma=1)(y), 6 * MeanLogits()(y))


@pytest.mark.parametrize("gamma", [1.0, 1.2, 2.0, 4.0])
def test_potentials_decide_between_equal_scores_only(gamma):
    """Neurons are ranked by spike time, then by the potential at the spike, or at the end if they did not fire."""
    torch.manual_seed(0)
    y = torch.rand(6, 200, 8) * 0.6 - 0.1
    decoding = WeightedSpikes(neuron=TTFS, gamma=gamma).eval()
    scores = decoding(y)
    h = y.cumsum(0)
    fires = h >= 1
    when = torch.where(fires.any(0), fires.int().argmax(0), 6)
    at_firing = h.gather(0, when.clamp(max=5)[None])[0]
    time = (when < 6).long() if gamma == 1 else 6 - when  # with gamma 1 it only matters whether a neuron fired
    best = [max(range(8), key=lambda k: (time[b, k], at_firing[b, k])) for b in range(200)]
    assert scores.argmax(1).tolist() == best
    plain = decoding.train()(y) if decoding.sn.reset() is None else None
    assert (plain.argmax(1) != torch.tensor(best)).any(), "without potentials, ties go to the lower class"
    assert ((plain.max(1).values - plain.gather(1, scores.argmax(1, keepdim=True))[:, 0]).abs() < 1e-6).all()


@settings(max_examples=50)
@given(st.integers(2, 24), st.data())
def test_equal_scores_are_told_apart_as_finely_as_documented(timesteps, data):
    """Both neurons fire at step t, with sigmoids that differ by 2^(T - 22 - t); from h = 17 on all sigmoids are 1."""
    t = data.draw(st.integers(max(0, timesteps - 19), timesteps - 1))
    low = data.draw(st.floats(0.74, 0.99 - 2.0 ** (timesteps - 22 - t)))
    near = torch.tensor([low, low + 1.02 * 2.0 ** (timesteps - 22 - t)], dtype=torch.float64).logit().float()
    for potentials, told_apart in ((near, True), (torch.tensor([18.0, 19.0]), False)):
        y = torch.zeros(timesteps, 1, 2)
        y[t, 0] = potentials
        lower, higher = WeightedSpikes(neuron=TTFS).eval()(y)[0].tolist()
        assert (higher > lower) == told_apart


def test_a_neuron_may_fire_more_than_once():
    scores = WeightedSpikes(neuron=IF, scale=1)(torch.full((4, 1, 2), 0.5))
    assert scores.tolist() == [[0.625, 0.625]]  # spikes at 1 and 3: 1/2 + 1/8


def test_a_gradient_reaches_the_weights():
    y = torch.rand(4, 2, 3, requires_grad=True)
    WeightedSpikes(neuron=TTFS)(y).sum().backward()
    assert y.grad.any()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: TemporalWeighted(gamma=0.5), "TemporalWeighted: gamma must be at least 1 .*; got 0.5"),
        (lambda: TemporalLinear(timesteps=0), "TemporalLinear: timesteps must be at least 1; got 0"),
        (lambda: WeightedSpikes(neuron=TTFS, gamma=0), "WeightedSpikes: gamma must be at least 1 .*; got 0"),
        (lambda: WeightedSpikes(neuron=TTFS, scale=0), "WeightedSpikes: scale must be positive and finite; got 0"),
        (lambda: WeightedSpikes(neuron=TTFS, scale=float("inf")), "WeightedSpikes: scale must be positive and finite; got inf"),
        (
            lambda: WeightedSpikes(neuron=nn.ReLU),
            "WeightedSpikes: neuron must be a spiking neuron; got ReLU; choose decoding=temporal_weighted, which reads",
        ),
    ],
)
def test_bad_values(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_more_steps_than_timesteps_are_rejected():
    with pytest.raises(ValueError, match="TemporalLinear: timesteps must be at least the run's 3 steps; got 2"):
        TemporalLinear(timesteps=2)(torch.zeros(3, 1, 1))
    with pytest.raises(ValueError, match="gamma must be at least 1 and finite, so that early steps weigh more; got inf"):
        TemporalWeighted(gamma=float("inf"))


def test_the_weights_of_the_first_steps_do_not_depend_on_their_number():
    """After two of four steps the linear weights are 1 and 3/4, not 1 and 1/2."""
    assert TemporalLinear(timesteps=4)(torch.tensor([[[8.0]], [[4.0]]])).item() == 11.0

"""TASA: its weights, causality, the equality with delayed weights, and the gradient of k."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnx.attention.tasa import DECAYS, TASA


@pytest.mark.parametrize(
    ("decay", "k", "taps"),
    [("geometric", 2, [1, 0.25, 0.0625]), ("constant", 2, [1, 0.25, 0.25]), ("per_tau", 3, [1, 0.125, 0.125])],
)
def test_taps_of_a_window_of_three(decay, k, taps):
    assert TASA(timesteps=4, window=3, k=k, decay=decay).taps().tolist() == taps


def test_per_tau_has_one_k_for_each_delay():
    layer = TASA(timesteps=4, window=4, decay="per_tau")
    with torch.no_grad():
        layer.kappa.copy_(torch.tensor([0.0, 3.4, 9.0]))  # rounded to 3, clamped to 7
    assert layer.taps().tolist() == [1, 1, 2**-3, 2**-7]


@settings(max_examples=25)
@given(window=st.integers(1, 6), decay=st.sampled_from(DECAYS), cut=st.integers(0, 5), seed=st.integers(0, 99))
def test_an_input_counts_from_its_step_to_the_end_of_the_window(window, decay, cut, seed):
    torch.manual_seed(seed)
    layer, x = TASA(timesteps=6, window=window, k=1, decay=decay), torch.rand(6, 2, 3)
    changed = x.clone()
    changed[cut] += 1
    moved = (layer(changed) != layer(x)).flatten(1).any(1)
    assert moved.tolist() == [cut <= t < cut + window for t in range(6)]


@settings(max_examples=25)
@given(window=st.integers(1, 5), decay=st.sampled_from(DECAYS), k=st.integers(0, 7))
def test_with_a_linear_layer_it_equals_delayed_weights(window, decay, k):
    """`sum over tau of (beta[tau] W) x[t - tau]`, the paper's Eqs 1 and 4."""
    torch.manual_seed(0)
    layer, fc, x = TASA(timesteps=5, window=window, k=k, decay=decay), nn.Linear(3, 2, bias=False), torch.rand(5, 4, 3)
    beta = layer.taps()
    expected = torch.zeros(5, 4, 2)
    for t in range(5):
        for tau in range(min(window, t + 1)):
            expected[t] += x[t - tau] @ (beta[tau] * fc.weight).T
    torch.testing.assert_close(fc(layer(x)), expected, rtol=1e-5, atol=1e-6)


def test_a_window_of_one_changes_nothing():
    layer, x = TASA(timesteps=4, window=1), torch.rand(4, 3)
    assert layer(x) is x
    assert list(layer.parameters()) == []


def test_the_gradient_of_k():
    """dy/dk = -ln2 * tau * beta[tau] * x[t - tau], where the rounding counts as the identity."""
    layer = TASA(timesteps=3, window=3, k=1)
    with torch.no_grad():
        layer.kappa.add_(0.3)
    x = torch.tensor([[3.0], [5.0], [7.0]])
    layer(x)[2].backward()
    assert layer.kappa.grad.item() == pytest.approx(-math.log(2) * (1 * 0.5 * 5 + 2 * 0.25 * 3))


def test_a_sequence_may_be_shorter_than_the_window():
    x = torch.eye(2)
    assert torch.equal(TASA(timesteps=4, window=4, k=1)(x), torch.tensor([[1.0, 0.0], [0.5, 1.0]]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 5}, r"TASA: window must be between 1 and timesteps = 4; got 5"),
        ({"window": 0}, r"TASA: window must be between 1 and timesteps = 4; got 0"),
        ({"k": 8}, r"TASA: k must be between 0 and 7; got 8"),
        ({"decay": "linear"}, "TASA: decay must be one of geometric, constant, per_tau; got linear"),
    ],
)
def test_wrong_arguments_are_rejected(arguments, message):
    with pytest.raises(ValueError, match=message):
        TASA(timesteps=4, **arguments)

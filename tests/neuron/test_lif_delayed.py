"""The delayed reset equals the equation of the paper."""

from contextlib import nullcontext

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snnx.neuron.if_ import IF
from snnx.neuron.kernel.find import definition_only
from snnx.neuron.lif import LIF
from snnx.neuron.lif_delayed import LIFDelayed


def as_printed(x, beta, fires=torch.ge):
    """U[t] = beta*U[t-1] + x[t] - s[t-1]; s[t] = fires(U[t], 1), with U and s stored."""
    u, s, spikes = torch.zeros_like(x[0]), torch.zeros_like(x[0]), []
    for x_t in x:
        u = beta * u + x_t - s
        s = fires(u, 1).to(x.dtype)
        spikes.append(s)
    return torch.stack(spikes)


@given(st.integers(0, 10_000), st.sampled_from([0.5, 0.75, 0.9]))
def test_spikes_equal_those_of_equation_1(seed, beta):
    x = torch.randn(30, 40, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.4
    assert torch.equal(LIFDelayed(beta=beta)(x), as_printed(x, beta))


@pytest.mark.parametrize(("at_equality", "fires"), [(True, torch.ge), (False, torch.gt)])
@pytest.mark.parametrize("definition", [True, False])
def test_whether_a_potential_at_the_threshold_fires(at_equality, fires, definition):
    """Inputs in quarters with beta = 1/2 reach the threshold exactly, in a kernel and step by step."""
    x = torch.randint(0, 8, (6, 500), generator=torch.Generator().manual_seed(0)) / 4
    wanted = as_printed(x, 0.5, fires)
    assert not torch.equal(wanted, as_printed(x, 0.5, torch.gt if at_equality else torch.ge))
    neuron = LIFDelayed(beta=0.5, fire_at_equality=at_equality)
    with definition_only() if definition else nullcontext():
        assert torch.equal(neuron(x), wanted)
    assert neuron.path == ("definition" if definition else "numba")


def test_golden_counts():
    """At 0.625 for 100 steps there are 50 spikes, 56 with the ordinary reset, and 62 without a leak, as with IF."""
    x = torch.full((100, 1), 0.625)
    counts = [LIFDelayed(beta=0.875), LIF(tau=8, decay_input=False, v_reset=None), IF(v_reset=None)]
    assert [int(neuron(x).sum()) for neuron in counts] == [50, 56, 62]
    assert int(LIFDelayed(beta=1 - 1e-6)(x).sum()) == 62


@pytest.mark.parametrize("at_equality", [True, False])
def test_a_threshold_that_is_set_later_is_subtracted_too(at_equality):
    """An attention sets the threshold of its neurons after they were built."""
    x = torch.randint(0, 8, (6, 500), generator=torch.Generator().manual_seed(0)) / 8
    neuron = LIFDelayed(beta=0.5, fire_at_equality=at_equality)
    neuron.v_threshold = 0.5
    assert neuron.subtracted == 1.0
    assert torch.equal(neuron(x), LIFDelayed(beta=0.5, v_threshold=0.5, fire_at_equality=at_equality)(x))


def test_a_threshold_that_is_read_and_set_again_stays_as_it_is():
    neuron = LIFDelayed(beta=0.5, v_threshold=0.3, fire_at_equality=False)
    before = neuron.v_threshold, neuron.subtracted
    neuron.v_threshold = neuron.v_threshold
    assert (neuron.v_threshold, neuron.subtracted) == before
    for bad in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match=f"^LIFDelayed: v_threshold must be positive and finite; got {bad}$"):
            neuron.v_threshold = bad


@pytest.mark.parametrize("beta", [0, 1, 1.5])
def test_beta_outside_zero_to_one_is_rejected(beta):
    with pytest.raises(ValueError, match=f"LIFDelayed: beta must be between 0 and 1, where 1 is neuron=if .*; got {beta}"):
        LIFDelayed(beta=beta)

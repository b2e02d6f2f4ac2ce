"""The neuron that fires once: at most one spike for any input, and the gradient with and without its mask."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnx.neuron.lif import LIF
from snnx.neuron.ttfs import TTFS


@settings(max_examples=50)
@given(st.integers(0, 2**31), st.integers(1, 40), st.sampled_from([None, 1.5, 4.0]), st.booleans())
def test_at_most_one_spike(seed, timesteps, tau, force):
    x = torch.randn(timesteps, 3, 5, generator=torch.Generator().manual_seed(seed)) * 2
    spikes = TTFS(tau=tau, force_last_spike=force)(x)
    assert set(spikes.unique().tolist()) <= {0.0, 1.0}
    assert spikes.sum(0).max() <= 1
    assert not force or spikes.sum(0).min() == 1


def test_no_spike_is_forced_in_single_step_mode():
    neuron = TTFS(force_last_spike=True)
    neuron.step_mode = "s"
    assert [neuron(torch.zeros(1)).item() for _ in range(3)] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("detach_mask", [True, False])
def test_a_forced_spike_adds_no_gradient(detach_mask):
    """The forced spike is a constant, so gradients are those of the other spikes."""
    torch.manual_seed(0)
    weight, found = torch.randn(3, 2), []
    for force in (False, True):
        x = torch.tensor([[1.5, 0.2], [0.0, 0.1], [0.0, 0.1]], requires_grad=True)
        neuron = TTFS(force_last_spike=force, detach_mask=detach_mask)
        s = neuron(x)
        (weight * s).sum().backward()
        found.append((s.tolist(), neuron.fired.tolist(), x.grad))
    (s, fired, gradient), (forced, all_fired, same) = found
    assert (s, fired) == ([[1, 0], [0, 0], [0, 0]], [1, 0])
    assert (forced, all_fired) == ([[1, 0], [0, 0], [0, 1]], [1, 1])
    torch.testing.assert_close(same, gradient, rtol=0, atol=0)
    assert gradient[:, 1].abs().min() > 0


def test_the_spike_is_where_the_sum_of_inputs_first_reaches_the_threshold():
    torch.manual_seed(0)
    x = torch.randn(30, 200)
    crossed = x.cumsum(0) >= 1.0
    spikes = TTFS()(x)
    first = torch.where(crossed.any(0), crossed.int().argmax(0), -1)
    assert torch.equal(torch.where(spikes.any(0), spikes.argmax(0), -1), first)


def test_the_leaky_charge_equals_that_of_lif():
    """With a threshold that is never reached, the potentials are those of a LIF."""
    x = torch.rand(8, 4)
    for decay in (True, False):
        ours, lif = (kind(tau=3, decay_input=decay, v_threshold=1e6) for kind in (TTFS, LIF))
        ours(x)
        lif(x)
        assert torch.equal(ours.v, lif.v)


def test_gradient_through_the_mask_by_hand():
    """x = (1.5, 0): h = (1.5, 1.5), s = (1, 0). With g the surrogate's slope at 0.5, and L = 2*s0 + 3*s1, where
    s1 = step(h1)*(1 - s0): detached dL/dx0 = 2g + 3g*0; exact, the mask adds -3*step(h1)*g."""
    g = 2.0 / (2 * (1 + (torch.pi / 2 * 2 * 0.5) ** 2))
    for detach_mask, expected in ((True, 2 * g), (False, 2 * g - 3 * g)):
        x = torch.tensor([[1.5], [0.0]], requires_grad=True)
        s = TTFS(detach_mask=detach_mask)(x)
        (2 * s[0] + 3 * s[1]).sum().backward()
        assert x.grad[0].item() == pytest.approx(expected, abs=1e-6)
        assert x.grad[1].item() == pytest.approx(0.0, abs=1e-6)  # the mask is 0 at step 1


def test_chunks_equal_the_whole_and_a_reset_starts_over():
    x = torch.rand(12, 2, 3) * 0.5
    neuron = TTFS()
    whole = neuron(x)
    neuron.reset()
    assert torch.equal(torch.cat([neuron(x[:5]), neuron(x[5:])]), whole)
    neuron.reset()
    assert torch.equal(neuron(x), whole)

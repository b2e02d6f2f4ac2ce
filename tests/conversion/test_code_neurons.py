"""The neurons of the codes: what they send of a potential, and what they refuse."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spikingjelly.activation_based import functional

from snnx.conversion.bursting import Bursting
from snnx.conversion.code import phase
from snnx.conversion.code.windows import Windows
from snnx.conversion.dendrite import Dendrite
from snnx.conversion.kernel import as_sent, first_steps, kernel_values
from snnx.conversion.presented import Presented
from snnx.conversion.timed import Once, Timed


def test_phases_are_those_of_the_authors_code():
    assert [phase.of_layers(t) for t in range(9)] == [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1]
    assert [phase.of_input(t) for t in range(9)] == [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256, 1 / 2]


def phase_neuron(every=8):
    return Timed(phase.of_layers, Dendrite(lambda t: 1.0, every=every))


@settings(deadline=None)
@given(st.integers(0, 255))
def test_a_pixel_sends_its_eight_binary_digits(level):
    """In the first period; the mean over periods is off by less than one digit in all."""
    neuron = Timed(phase.of_input, Dendrite(lambda t: 1.0, every=8))
    encoding = Presented(timesteps=8, in_channels=1, neuron=neuron, every=8)
    x = torch.full((1, 1, 1, 1), level / 255, dtype=torch.float64)
    values = torch.tensor([phase.of_input(t) for t in range(8)], dtype=torch.float64)
    bits = encoding(x).flatten()
    assert "".join(str(int(bit)) for bit in bits) == f"{level:08b}"
    periods = torch.stack([bits, *(encoding(x).flatten() for _ in range(9))])
    if level < 255:  # a period sends at most 255/256
        assert abs(float((periods * values).sum() / 10) - level / 255) < 2**-8 / 10 + 1e-12


@settings(deadline=None)
@given(st.floats(0, 1.99))
def test_a_period_transmits_a_potential_to_seven_digits(x):
    neuron = phase_neuron()
    current = torch.zeros(8, 1, dtype=torch.float64)
    current[0] = x
    sent = sum(phase.of_layers(t) * s.item() for t, s in enumerate(neuron(current)))
    assert 0 <= x - sent < 2**-7
    assert neuron.v.item() == pytest.approx(x - sent)


@settings(deadline=None)
@given(st.floats(0, 50), st.floats(0.05, 2))
def test_a_burst_transmits_a_potential_within_its_first_value(x, first):
    neuron = Bursting(v_threshold=first)
    current = torch.zeros(400, 1, dtype=torch.float64)
    current[0] = x
    sent = first * neuron(current).sum().item()
    assert -1e-9 <= x - sent < first + 1e-9


@settings(deadline=None)
@given(st.floats(0, 2), st.floats(1, 30), st.floats(-5, 5))
def test_a_spike_is_worth_the_largest_value_of_the_kernel_that_is_reached(x, constant, delay):
    values = kernel_values(torch.tensor(constant, dtype=torch.float64), delay, 40)
    neuron = Once(Windows(40, 40).rhythm(0, values.tolist()), Dendrite(lambda t: 1.0, every=40))
    current = torch.zeros(40, 1, dtype=torch.float64)
    current[0] = x
    s = neuron(current).flatten()
    reached = [value for value in values.tolist() if x >= value]
    assert (s * values).sum().item() == max(reached, default=0.0)
    assert as_sent(current[:1], values).item() == max(reached, default=0.0)
    step = int(first_steps(current[:1], values))
    assert s.nonzero().flatten().tolist() == ([step] if reached else [])


NEURONS = {
    "Bursting": lambda: Bursting(v_threshold=0.3),
    "Timed": phase_neuron,
    "Once": lambda: Once(phase.of_layers, Dendrite(lambda t: 1.0, every=8)),
}


@pytest.mark.parametrize("name", NEURONS)
def test_single_steps_are_refused(name):
    neuron = NEURONS[name]()
    functional.set_step_mode(neuron, "s")
    with pytest.raises(ValueError, match=f"^{name}: step_mode must be m, since it computes whole sequences; got s$"):
        neuron(torch.ones(2))


@pytest.mark.parametrize("name", NEURONS)
def test_a_reset_neuron_is_a_new_one(name):
    neuron, x = NEURONS[name](), torch.rand(5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    first = neuron(x)
    assert not torch.equal(neuron(x), first)
    neuron.reset()  # without reset_net, which would also visit the dendrite
    assert torch.equal(neuron(x), first)
    neuron.reset()
    fresh = NEURONS[name]()
    own = [one for one in vars(neuron) if one in ("_now", "_sent")]
    assert own
    assert {one: getattr(neuron, one) for one in own} == {one: getattr(fresh, one) for one in own}

"""A neuron with a second state variable and a threshold that changes equals its equations."""

from contextlib import nullcontext
from typing import NamedTuple

import pytest
import torch
from adaptive import ALIF
from own_neurons import Noisy
from torch import Tensor

from snnx.neuron.if_ import IF
from snnx.neuron.kernel.find import definition_only
from snnx.neuron.lif import LIF
from snnx.neuron.ttfs import TTFS


def by_hand(x: Tensor, tau: float, beta: float, rho: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    v = b = torch.zeros_like(x[0])
    spikes, thresholds = [], []
    for x_t in x:
        h = v + (x_t - v) / tau
        thresholds.append(1 + beta * b)
        s = (h >= thresholds[-1]).float()
        v, b = h - thresholds[-1] * s, rho * b + (1 - rho) * s
        spikes.append(s)
    return torch.stack(spikes), torch.stack(thresholds), v, b


@pytest.mark.parametrize("make", [LIF, ALIF, TTFS, Noisy], ids=lambda make: make.__name__)
@pytest.mark.parametrize("defined", [False, True], ids=["kernel", "definition"])
def test_a_layer_that_ends_at_rest_computes_the_same_and_keeps_no_state_in_training(make, defined):
    results = []
    for ends_at_rest in (False, True):
        torch.manual_seed(0)
        node, x = make(), (2 * torch.rand(9, 3, 7)).requires_grad_()
        node.ends_at_rest = ends_at_rest
        with definition_only() if defined else nullcontext():
            s = node(x)
        s.sum().backward()
        results.append([s.detach(), x.grad])
        assert isinstance(node.v, float) == (ends_at_rest and make is not TTFS)  # TTFS reads its state after the last step
    assert all(map(torch.equal, *results))
    node.eval()
    node(x)
    assert node.v.shape == x.shape[1:]


def test_it_equals_its_equations():
    torch.manual_seed(0)
    x, neuron, shown = 4 * torch.rand(30, 3, 7), ALIF(beta=0.7, rho=0.8), []
    neuron.probe = lambda h, s: shown.append(neuron.thresholds())
    spikes, thresholds, v, b = by_hand(x, 2.5, 0.7, 0.8)
    assert torch.equal(neuron(x), spikes)
    assert 0.1 < spikes.mean() < 0.9
    torch.testing.assert_close(neuron.v, v)
    torch.testing.assert_close(neuron.b, b)
    torch.testing.assert_close(shown[0], thresholds)
    assert neuron.path == "numba"


def test_both_states_are_carried_and_reset():
    x, neuron = 4 * torch.rand(20, 2, 5), ALIF()
    whole, last = neuron(x), neuron.b
    neuron.reset()
    assert (neuron.v, neuron.b) == (0.0, 0.0)
    assert torch.equal(torch.cat([neuron(x[:7]), neuron(x[7:8]), neuron(x[8:])]), whole)
    assert torch.equal(neuron.b, last)
    assert not neuron.state_dict()


def test_single_steps_give_the_same():
    x, neuron, single = 4 * torch.rand(9, 2, 5), ALIF(), ALIF()
    single.step_mode = "s"
    assert torch.equal(torch.stack([single(x_t) for x_t in x]), neuron(x))


def test_gradients_reach_the_input_through_both_states():
    x = (4 * torch.rand(6, 2, 3)).requires_grad_()
    ALIF()(x)[-1].sum().backward()
    assert (x.grad[0] != 0).any()


def test_both_states_stay_float32_under_bfloat16():
    neuron = ALIF()
    assert neuron(torch.rand(3, 2, 4).bfloat16()).dtype == torch.bfloat16
    assert neuron.v.dtype == neuron.b.dtype == torch.float32


@pytest.mark.parametrize("kind", [IF, LIF, TTFS])
@pytest.mark.parametrize("fused", [True, False])
def test_a_constant_threshold_is_a_number(kind, fused):
    neuron = kind(v_threshold=0.7)
    neuron.probe = lambda h, s: None
    if fused:
        neuron(torch.rand(3, 2, 4))
    else:
        with definition_only():
            neuron(torch.rand(3, 2, 4))
    neuron.probe = None
    assert neuron.thresholds() == 0.7


class Aside(LIF):
    """Its `step` compares without calling `fire`."""

    def step(self, x, state):
        h = self.charge(x, state.v)
        s = self.surrogate_function(h - 0.5)
        return h, s, self.State(self.discharge(h, s))


def test_a_step_that_does_not_call_fire_is_rejected():
    neuron = Aside()
    neuron.probe = lambda h, s: None
    neuron(torch.rand(3, 2, 4))
    with pytest.raises(ValueError, match=r"^Aside: step must call fire\(h, state\), .*; got a step that does not"):
        neuron.thresholds()


class NoValue(LIF):
    class State(NamedTuple):
        v: Tensor
        b: Tensor


class NoPotential(LIF):
    class State(NamedTuple):
        b: Tensor


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (NoValue, "NoValue: State.b must have a default, which is its value after a reset; got none"),
        (NoPotential, "NoPotential: the first field of State must be v, the potential; got b"),
    ],
)
def test_a_wrong_state_is_rejected(build, message):
    with pytest.raises(ValueError, match=message):
        build()


class Two(LIF):
    def step(self, x, state):
        return super().step(x, state)[1:]


class One(LIF):
    def step(self, x, state):
        return super().step(x, state)[1]


@pytest.mark.parametrize(("neuron", "got"), [(Two, "2 values"), (One, "Tensor")])
def test_a_step_that_does_not_return_three_values_is_rejected(neuron, got):
    with pytest.raises(
        ValueError, match=rf"^{neuron.__name__}: step must return three values, h, s and the new State; got {got}$"
    ):
        neuron()(torch.rand(3, 2, 4))


def test_a_memory_that_is_no_field_of_state_is_rejected():
    class Counting(LIF):
        def __init__(self):
            super().__init__()
            self.register_memory("count", 0.0)

    message = r"^Counting: count must be a field of State, .*: each field is a memory; got register_memory\('count', 0.0\)$"
    with pytest.raises(ValueError, match=message):
        Counting()


def test_a_tensor_that_is_kept_on_the_neuron_and_does_not_fit_the_next_batch_is_named():
    class Tracing(LIF):
        trace = 0.0

        def charge(self, x, v):
            self.trace = self.trace / 2 + x
            return super().charge(self.trace, v)

    node = Tracing()
    node(torch.ones(2, 10, 4))
    node.reset()
    message = (
        "^Tracing: what a step keeps for the next must be a field of State; got the attribute trace of shape "
        r"\[10, 4\], which does not fit a step of shape \[3, 4\]$"
    )
    with pytest.raises(ValueError, match=message):
        node(torch.ones(2, 3, 4))

"""State by name: a neuron with a second state and a threshold that moves, against its equations written out."""

from typing import NamedTuple

import pytest
import torch
from adaptive import ALIF
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


def test_it_is_its_equations():
    torch.manual_seed(0)
    x, neuron, shown = 4 * torch.rand(30, 3, 7), ALIF(beta=0.7, rho=0.8), []
    neuron.probe = lambda h, s: shown.append(neuron.thresholds())
    spikes, thresholds, v, b = by_hand(x, 2.5, 0.7, 0.8)
    assert torch.equal(neuron(x), spikes)
    assert 0.1 < spikes.mean() < 0.9
    torch.testing.assert_close(neuron.v, v)
    torch.testing.assert_close(neuron.b, b)
    torch.testing.assert_close(shown[0], thresholds)
    assert neuron.path == "definition"


def test_both_states_are_carried_and_reset():
    x, neuron = 4 * torch.rand(20, 2, 5), ALIF()
    whole, last = neuron(x), neuron.b
    neuron.reset()
    assert (neuron.v, neuron.b) == (0.0, 0.0)
    assert torch.equal(torch.cat([neuron(x[:7]), neuron(x[7:8]), neuron(x[8:])]), whole)
    assert torch.equal(neuron.b, last)
    assert not neuron.state_dict()


def test_one_step_at_a_time_is_the_same():
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
def test_a_threshold_that_never_moves_is_a_number(kind, fused):
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
    """It compares by itself."""

    def step(self, x, state):
        h = self.charge(x, state.v)
        s = self.surrogate_function(h - 0.5)
        return h, s, self.State(self.discharge(h, s))


def test_a_comparison_that_nobody_sees_is_refused():
    neuron = Aside()
    neuron.probe = lambda h, s: None
    neuron(torch.rand(3, 2, 4))
    with pytest.raises(ValueError, match=r"^Aside: step must fire through fire\(h, state\), .*; got a comparison of its own"):
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
def test_a_state_that_cannot_be_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()

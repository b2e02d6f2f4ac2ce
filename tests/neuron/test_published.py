"""The neurons of published systems equal the equations of their authors' code, written here in a few lines of float64.

LIFLearned and STDB have no counterpart in SpikingJelly; STBP, tdBN, TET and NDA are options of LIF.
"""

import pytest
import torch
from composing import configuration
from torch import Tensor, nn

from snnx.neuron.lif_learned import LIFLearned
from snnx.neuron.stdb import STDB
from snnx.run.component import component
from snnx.surrogate.damped_triangle import DampedTriangle

T, N = 12, 400


def step(x: Tensor, slope: Tensor) -> Tensor:
    """1 where x > 0, with this slope in backward."""
    return (x > 0).double() + slope.detach() * (x - x.detach())


def rectangle(x: Tensor) -> Tensor:
    return (x.abs() < 0.5).double()


def triangle(x: Tensor) -> Tensor:
    return (1 - x.abs()).clamp(min=0)


def hard(x: Tensor, retained: float, threshold: float, slope) -> Tensor:
    """STBP, tdBN, TET and NDA: u = retained*u*(1 - o) + x, o = 1[u > threshold], with a gradient through the reset."""
    u = o = torch.zeros_like(x[0])
    spikes = []
    for current in x:
        u = retained * u * (1 - o) + current
        o = step(u - threshold, slope(u - threshold))
        spikes.append(o)
    return torch.stack(spikes)


LIKE_LIF = {
    "stbp": (["neuron.tau=1.25", "neuron.v_threshold=0.5", "surrogate=rectangle"], 0.2, 0.5, rectangle),
    "tdbn": (["neuron.tau=1.3333333333333333", "neuron.v_threshold=0.2", "surrogate=rectangle"], 0.25, 0.2, rectangle),
    "tet": (["neuron.tau=2", "surrogate=triangle"], 0.5, 1.0, triangle),
    "nda": (["neuron.tau=1.3333333333333333", "neuron.v_threshold=0.5", "surrogate=rectangle"], 0.25, 0.5, rectangle),
}


def compared(node: nn.Module, equation, parameters: tuple[str, ...] = ()) -> None:
    """Both get the same currents and weights; spikes must be equal and gradients differ by at most 1e-10."""
    torch.manual_seed(0)
    x, weight = torch.randn(2, T, N, dtype=torch.float64)
    ours, theirs = (1.2 * x).requires_grad_(), (1.2 * x).detach().clone().requires_grad_()
    node = node.double()
    leaves = [getattr(node, name).detach().clone().requires_grad_() for name in parameters]
    found, expected = node(ours), equation(theirs, *leaves)
    assert torch.equal(found, expected)
    assert 0.05 < found.mean() < 0.95
    (found * weight).sum().backward()
    (expected * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-10)
    for name, leaf in zip(parameters, leaves, strict=True):
        torch.testing.assert_close(getattr(node, name).grad, leaf.grad, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", LIKE_LIF)
def test_the_neurons_of_these_systems_are_options_of_lif(name):
    words, retained, threshold, slope = LIKE_LIF[name]
    config = configuration("neuron=lif", "neuron.decay_input=false", *words)
    compared(component(config, "neuron")(), lambda x: hard(x, retained, threshold, slope))


def test_lif_learned_equals_diet_snn():
    def diet(x: Tensor, leak: Tensor, level: Tensor) -> Tensor:
        u = torch.zeros_like(x[0])
        spikes = []
        for current in x:
            u = leak * u + current
            z = u / level - 1
            spikes.append(step(z, 0.3 * triangle(z)))
            u = u - level * (z > 0).double()
        return torch.stack(spikes)

    compared(LIFLearned(leak=0.9, v_threshold=0.7, surrogate=DampedTriangle()), diet, ("leak", "level"))


@pytest.mark.parametrize("by_time", [True, False])
def test_stdb_equals_hybrid_training(by_time):
    def hybrid(x: Tensor) -> Tensor:
        u, last = torch.zeros_like(x[0]), torch.full_like(x[0], -1000.0)
        spikes = []
        for t, current in enumerate(x):
            z = u / 0.7 - 1
            s = step(z, 0.3 * torch.exp(-0.01 * (t - 1 - last)) if by_time else 0.3 * triangle(z))
            last = torch.where(s > 0, float(t - 1), last)
            u = 0.95 * u + current - 0.7 * (z > 0).double()
            spikes.append(s)
        return torch.stack(spikes)

    compared(STDB(leak=0.95, v_threshold=0.7, by_time=by_time, surrogate=DampedTriangle()), hybrid)


def test_a_leak_above_one_is_set_back_before_the_next_batch():
    node = LIFLearned(leak=1.0)
    node.leak.data += 0.5
    node.reset()
    node(torch.ones(3, 1))
    assert node.leak.item() == 1.0


def test_a_threshold_that_is_set_later_is_the_present_one():
    """The attention of a spiking transformer sets that of the neuron after its product."""
    node = LIFLearned(v_threshold=1.0)
    node.v_threshold = 0.5
    assert (node.level.item(), node.v_threshold) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LIFLearned(leak=0), r"^LIFLearned: leak must be in \(0, 1\]; got 0"),
        (lambda: LIFLearned(leak=1.5), r"^LIFLearned: leak must be in \(0, 1\]; got 1.5"),
        (lambda: LIFLearned(v_threshold=0), "^LIFLearned: v_threshold must be positive and finite; got 0"),
        (lambda: STDB(leak=2), r"^STDB: leak must be in \(0, 1\]; got 2"),
        (lambda: STDB(alpha=0), "^STDB: alpha must be positive; got 0"),
        (lambda: STDB(beta=-1), "^STDB: beta must be at least 0; got -1"),
    ],
)
def test_bad_values(build, message):
    with pytest.raises(ValueError, match=message):
        build()

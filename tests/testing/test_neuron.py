"""The contracts of neurons: all ways to set our neurons fulfil them, and neurons with one mistake each do not."""

from contextlib import contextmanager

import pytest
import torch
from adaptive import ALIF
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

from snnx.neuron.if_ import IF
from snnx.neuron.kernel.find import definition_only
from snnx.neuron.klif import KLIF
from snnx.neuron.lif import LIF
from snnx.neuron.lif_delayed import LIFDelayed
from snnx.neuron.node import Node
from snnx.neuron.plif import PLIF
from snnx.neuron.ttfs import TTFS
from snnx.testing import neuron

NEURONS = {
    "if": IF,
    "lif": LIF,
    "lif-soft": lambda: LIF(tau=3.0, decay_input=False, v_reset=None),
    "lif-detached": lambda: LIF(detach_reset=True),
    "lif_delayed": lambda: LIFDelayed(beta=0.8),
    "plif": PLIF,
    "klif": KLIF,
    "klif-before": lambda: KLIF(klif_form="before_charge"),
    "ttfs": TTFS,
    "a user's": ALIF,
    "relu": nn.ReLU,
    "spikingjelly": lambda: LIFNode(step_mode="m"),
}


@pytest.mark.parametrize("contract", neuron.CONTRACTS)
@pytest.mark.parametrize("make", NEURONS.values(), ids=NEURONS)
def test_our_neurons(contract, make):
    contract(make)


class Forgets(LIF):
    """Has a state that reset does not reset."""

    total = 0.0

    def charge(self, x, v):
        self.total = self.total + x.detach().mean()
        return super().charge(x, v) + self.total


class Peeks(LIF):
    """Uses the mean over the whole sequence."""

    def sequence(self, x, state):
        return super().sequence(x - x.mean(0), state)


class Mixes(LIF):
    """Uses the mean over all samples."""

    def charge(self, x, v):
        return super().charge(x - x.mean(0), v)


class First(LIF):
    """Ignores the input of the first sample."""

    def charge(self, x, v):
        return super().charge(torch.cat([0 * x[:1], x[1:]]), v)


class Unused(LIF):
    """Has a parameter that it does not use."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))


class Infinite(LIF):
    """Has an infinite derivative at zero input."""

    def charge(self, x, v):
        return super().charge(x, v) + 0 * x.abs().sqrt()


class Graded(LIF):
    """Fires spikes of size 2."""

    def fire(self, h, state):
        return 2 * super().fire(h, state)


class Silent(LIF):
    """Never fires."""

    def fire(self, h, state):
        return 0 * super().fire(h, state)


class Steps(Node):
    """Resets its state at the end of every sequence."""

    def charge(self, x, v):
        return v + x

    def sequence(self, x, state):
        h, s, state = super().sequence(x, state)
        return h, s, self.State(torch.zeros_like(state.v))


class Lower(LIF):
    """Fires at half the threshold that it reports."""

    def fire(self, h, state):
        super().fire(h, state)
        return self.surrogate_function(h - 0.5 * self.v_threshold)


class Sized(LIF):
    """Starts a batch of a known size from the input of the last batch of this size."""

    def __init__(self):
        super().__init__()
        self.last = {}

    def sequence(self, x, state):
        before = self.last.get(x.shape[1], 0)
        self.last[x.shape[1]] = x[-1].detach()
        return super().sequence(x + before, state)


class Undeclared(LIF):
    """Adds up its input in an attribute, which has the size of the batch before."""

    trace = 0.0

    def charge(self, x, v):
        self.trace = 0.5 * self.trace + x.detach()
        return super().charge(self.trace, v)


class Restored(LIF):
    """Clears its state itself, in an attribute that nobody else knows."""

    def __init__(self):
        super().__init__()
        self.trace = 0.0

    def charge(self, x, v):
        self.trace = 0.5 * self.trace + x.detach()
        return super().charge(self.trace, v)

    def reset(self):
        super().reset()
        self.trace = 0.0


class InPlace(LIF):
    """Adds up its input in a tensor that it changes in place and clears itself."""

    def __init__(self):
        super().__init__()
        self.trace = torch.zeros(())

    def charge(self, x, v):
        self.trace.add_(x.detach().mean())
        return super().charge(x + self.trace, v)

    def reset(self):
        super().reset()
        self.trace.zero_()


class Buffered(LIF):
    """Adds up its input in a buffer."""

    def __init__(self):
        super().__init__()
        self.register_buffer("trace", torch.zeros(()))

    def charge(self, x, v):
        self.trace = self.trace + x.detach().mean()
        return super().charge(x + self.trace, v)

    def reset(self):
        super().reset()
        self.trace = torch.zeros(())


class Listed(LIF):
    """Keeps its inputs in a list that it empties itself."""

    def __init__(self):
        super().__init__()
        self.trace = []

    def charge(self, x, v):
        self.trace = [*self.trace, x.detach()]
        return super().charge(x, v)

    def reset(self):
        super().reset()
        self.trace = []


class Masked(LIF):
    """Keeps a value that depends on the shape of its input only."""

    mask = None

    def charge(self, x, v):
        self.mask = torch.ones(x.shape[1:])
        return super().charge(x * self.mask, v)


class Outside(LIFNode):
    """A neuron of SpikingJelly with a state that reset does not reset."""

    def __init__(self):
        super().__init__(step_mode="m")
        self.held = 0.0

    def forward(self, x):
        self.held = self.held + x.mean().detach()
        return super().forward(x + self.held)


ONE = LIF()


def field(name: str) -> str:
    return rf"a reset must restore {name}: make it a field of State, with its value after a reset, and return it from step$"


REMEMBERS = "must keep what it remembers of its input in states; got trace, which metrics and checkpoints cannot see: make it"
WRONG = [
    (
        neuron.reset,
        Forgets,
        r"^Forgets: must give the same spikes again after reset\(\); got \d+ of \d+ that differ: " + field("total"),
    ),
    *((neuron.declared, wrong, rf"^{wrong.__name__}: {REMEMBERS}") for wrong in (Restored, InPlace, Buffered, Listed)),
    (neuron.causality, Peeks, r"^Peeks: must give the same spikes up to step 1 for any later input; got \d+ of"),
    (neuron.chunks, Steps, r"^Steps: must give the spikes of the whole sequence if it is split after step 1; got \d+ of"),
    (neuron.batch_of_one, Mixes, r"^Mixes: must give a sample the same spikes alone and in a batch; got \d+ of"),
    (neuron.order_of_samples, First, r"^First: must not depend on the order of samples in a batch; got \d+ of"),
    (neuron.gradients, Unused, r"^Unused: must pass a gradient to gain that is not zero everywhere; got zeros$"),
    (neuron.gradients, Infinite, r"^Infinite: must pass a finite gradient to its input for zero input; got inf or nan$"),
    (neuron.spikes, Graded, r"^Graded: must return spikes that are 0 or 1; got \[0.0, 2.0\]$"),
    (neuron.spikes, Silent, r"^Silent: must fire for some inputs and not for others; got no input with both$"),
    (neuron.reset, Sized, r"^Sized: must give the same .* got \d+ of 720 that differ: " + field("last")),
    (
        neuron.batch_of_one,
        Undeclared,
        r"^Undeclared: must give a sample the same .*; got shape \[9, 5, 16\] instead of \[9, 1, 16\]: " + field("trace"),
    ),
    (
        neuron.reset,
        Outside,
        r"^Outside: must give the same .*: a reset must restore held: declare it in the constructor by register_memory\(",
    ),
    (neuron.separate, lambda: ONE, r"^LIF: must keep its state apart from that of another neuron; got \d+ of"),
    (neuron.threshold, Lower, r"^Lower: must fire only at the threshold that it reports, or above; got \d+ spikes below it$"),
]


@pytest.mark.parametrize(("contract", "make", "message"), WRONG)
def test_a_neuron_with_a_mistake(contract, make, message):
    with pytest.raises(AssertionError, match=message):
        contract(make)


def test_a_neuron_may_keep_what_depends_on_the_shape_only():
    neuron.declared(Masked)


def test_every_contract_finds_a_mistake():
    found_below = {neuron.fused}
    assert {contract for contract, *_ in WRONG} | found_below == set(neuron.CONTRACTS)


def test_a_kernel_that_differs_from_the_definition(monkeypatch):
    """The test changes the definition after the kernel was made of it."""
    charge = LIF.charge

    @contextmanager
    def another_definition():
        with definition_only():
            monkeypatch.setattr(LIF, "charge", lambda self, x, v: charge(self, -x, v))
            yield

    monkeypatch.setattr(neuron, "definition_only", another_definition)
    with pytest.raises(AssertionError, match=r"^LIF: must give the spikes of its definition on numba; got \d+ of"):
        neuron.fused(LIF)

"""Every option in `conf/` fulfils the contract of its group, and broken options are detected."""

from functools import partial

import contracts
import pytest
import torch
from adaptive import ALIF
from composing import composed
from published_losses import TET
from published_norms import BNTT, TDBN, TEBN
from torch import nn

from snnx.neuron.lif import LIF
from snnx.norm.norm import Norm
from snnx.run.component import component


@pytest.mark.parametrize("name", contracts.options("neuron"))
def test_neuron(name):
    contracts.neuron(contracts.option("neuron", name))


@pytest.mark.parametrize("name", contracts.options("encoding"))
def test_encoding(name):
    contracts.encoding(contracts.option("encoding", name))


@pytest.mark.parametrize("name", contracts.options("surrogate"))
def test_surrogate(name):
    contracts.surrogate(contracts.option("surrogate", name))


@pytest.mark.parametrize("name", contracts.options("norm"))
def test_norm(name):
    contracts.norm(contracts.option("norm", name))


@pytest.mark.parametrize("name", contracts.options("backbone"))
def test_backbone(name):
    config = composed(f"backbone={name}", "neuron.v_threshold=0.5").config
    contracts.backbone(component(config, "backbone"), component(config, "neuron"))


@pytest.mark.parametrize("name", contracts.options("decoding"))
def test_decoding(name):
    contracts.decoding(lambda: contracts.option("decoding", name))


@pytest.mark.parametrize("name", contracts.options("loss"))
def test_loss(name):
    contracts.loss(contracts.option("loss", name))


def test_components_of_users_fulfil_the_contracts():
    contracts.neuron(ALIF)
    contracts.loss(TET())
    for norm in (TDBN, partial(TEBN, timesteps=4), partial(BNTT, timesteps=4)):
        contracts.norm(norm)


class Leaking(LIF):
    """Filters its input with a state that reset does not reset, so that it carries over to the next batch."""

    trace: torch.Tensor | None = None

    def charge(self, x, v):
        before = torch.zeros_like(x) if self.trace is None or self.trace.shape != x.shape else self.trace
        self.trace = (0.5 * before + x).detach()
        return super().charge(0.5 * before + x, v)


class Foreseeing(LIF):
    def sequence(self, x, state):
        return super().sequence(x + x.mean(0), state)


class Forgetting(LIF):
    def sequence(self, x, state):
        return super().sequence(x, self.State(torch.zeros_like(state.v)))


class Mixing(LIF):
    def charge(self, x, v):
        return super().charge(x - x.mean(0) + 1, v)


class Favouring(LIF):
    def charge(self, x, v):
        return super().charge(x * torch.linspace(1, 2, len(x)).view(-1, *[1] * (x.ndim - 1)), v)


ONE = LIF()


class Lower(LIF):
    """Fires at half the threshold that it reports."""

    def fire(self, h, state):
        super().fire(h, state)
        return self.surrogate_function(h - 0.5 * self.v_threshold)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Leaking, "state is left after a reset"),
        (Foreseeing, "a later input changes an earlier output"),
        (Forgetting, "state is not carried from piece to piece"),
        (Mixing, "a sample depends on its batch"),
        (Favouring, "a sample depends on its batch"),
        (Lower, "a spike below the threshold"),
        (lambda: ONE, "two layers share their state"),
    ],
    ids=["leaking", "foreseeing", "forgetting", "mixing", "favouring", "lower", "shared"],
)
def test_a_broken_neuron_is_detected(broken, message):
    with pytest.raises(AssertionError, match=message):
        contracts.neuron(broken)


class StandardisedBatch(Norm):
    """Uses the statistics of the batch in evaluation too."""

    def __init__(self, channels, *, v_threshold, meets_sum):
        super().__init__()

    def forward(self, x):
        return (x - x.mean((0, 1))) / x.std((0, 1))


class Inner(nn.Module):
    """A loss that uses only the first sample."""

    def forward(self, scores, labels):
        return nn.functional.cross_entropy(scores[:1], labels[:1])


@pytest.mark.parametrize(
    ("contract", "broken", "message"),
    [
        (contracts.norm, StandardisedBatch, "a step sees a later one"),
        (contracts.loss, Inner(), "the order of samples changes it"),
        (contracts.surrogate, torch.sigmoid, "forward is not the step"),
    ],
)
def test_other_broken_options_are_detected(contract, broken, message):
    with pytest.raises(AssertionError, match=message):
        contract(broken)

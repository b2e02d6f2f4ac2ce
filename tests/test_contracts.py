"""Every option in `conf/` fulfils the contract of its group, and broken options are detected."""

from contextlib import contextmanager
from functools import partial

import contracts
import pytest
import torch
from adaptive import ALIF
from composing import composed
from published_losses import TET
from published_norms import BNTT, TDBN, TEBN
from torch import nn

from snnx.metric.firing_rate import FiringRate
from snnx.neuron.lif import LIF
from snnx.norm.norm import Norm
from snnx.quantization.symmetric import symmetric
from snnx.run.component import component
from snnx.testing import metric as metrics


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


@pytest.mark.parametrize("name", contracts.options("init"))
def test_init(name):
    contracts.init(contracts.option("init", name))


@pytest.mark.parametrize("name", contracts.options("attention"))
def test_attention(name):
    contracts.attention(contracts.option("attention", f"[{name}]", "backbone=spikformer", "timesteps=6"))


@pytest.mark.parametrize("name", contracts.options("quantization"))
def test_quantization(name):
    contracts.quantization(contracts.option("quantization", name))


@pytest.mark.slow
@pytest.mark.parametrize("name", contracts.options("method"))
def test_method(name):
    contracts.method(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", contracts.options("metric"))
def test_metric(name):
    config = composed(f"metric=[{name}]").config
    contracts.metric(lambda: component(config, "metric")[name])


@pytest.mark.parametrize("name", contracts.PIPELINES)
def test_every_layer_of_a_pipeline_fires(name):
    """Otherwise the contracts of metrics would hold for any metric."""
    rates = {}

    class Rates(FiringRate):
        def finish(self, curves):
            rates.update({layer: float(values.mean()) for layer, values in curves["firing_rate"].items()})
            return curves

    metrics.numbers(Rates, lambda metric: contracts.built(contracts.PIPELINES[name], metric=metric).double())
    assert all(0 < rate < 1 for rate in rates.values()), rates


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
    """It uses the mean over all time steps."""

    def sequence(self, x, state):
        return super().sequence(x + x.mean(0), state)


class Forgetting(LIF):
    """It starts each piece of a sequence from rest."""

    def sequence(self, x, state):
        return super().sequence(x, self.State(torch.zeros_like(state.v)))


class Mixing(LIF):
    """It subtracts the mean over the batch."""

    def charge(self, x, v):
        return super().charge(x - x.mean(0) + 1, v)


class Favouring(LIF):
    """It weights samples by their place in the batch."""

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


class Half:
    """An initialisation that leaves out linear layers."""

    def __call__(self, network):
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.reset_parameters()


class Everything:
    """An initialisation that also draws the parameters of norms."""

    def __call__(self, network):
        for parameter in network.parameters():
            nn.init.normal_(parameter)


class Backwards(nn.Module):
    """A filter over time that also reads later steps."""

    def forward(self, x):
        return x + x.flip(0)


class Lasting:
    """A quantization that does not restore the weights."""

    bits = [4]

    @contextmanager
    def applied(self, network, bits):
        with torch.no_grad():
            for layer in (network[0], network[3]):
                layer.weight.copy_(symmetric(layer.weight, bits))
        yield


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
        (contracts.init, Half(), "6.weight was not drawn"),
        (contracts.init, Everything(), "1.weight was drawn, but"),
        (contracts.attention, {"temporal": Backwards}, "a later input changes an earlier output"),
        (contracts.quantization, Lasting(), "weights are not restored"),
    ],
)
def test_other_broken_options_are_detected(contract, broken, message):
    with pytest.raises(AssertionError, match=message):
        contract(broken)

"""The contracts of metrics: a metric fulfils them, and metrics with one mistake each do not."""

import pytest
import torch

from snnx.metric.metric import Metric
from snnx.testing import metric


class Counts(Metric):
    """Measures one value for each step and sample; the broken metrics change what it measures."""

    over_samples = {"count": "mean"}

    def measure(self, h, s, node):
        return {"count": s.flatten(2).sum(2).float()}


class Nothing(Metric):
    over_samples = {}


class Endless(Counts):
    def measure(self, h, s, node):
        return {"count": (1 + s.flatten(2).sum(2).float()) / 0}


class Erases(Counts):
    """Sets the spikes to 0."""

    def measure(self, h, s, node):
        return {"count": s.zero_().flatten(2).sum(2)}


class Stays(Counts):
    """Leaves its hooks on the layers."""

    def begin(self, network):
        for module in network.modules():
            module.register_forward_hook(lambda *_: None)


class Sized(Counts):
    """Depends on the size of the batch."""

    def measure(self, h, s, node):
        return {"count": torch.full(s.shape[:2], float(s.shape[1]))}


class Reads(Counts):
    """Reads the potential without saying so."""

    def measure(self, h, s, node):
        return {"count": h.flatten(2).sum(2).float()}


class Adds(Counts):
    """Keeps the number of calls from one test to the next."""

    def __init__(self):
        self.calls = 0

    def measure(self, h, s, node):
        self.calls += 1
        return {"count": torch.full(s.shape[:2], float(self.calls > 4))}


WRONG = [
    (metric.numbers, Nothing, "^Nothing: must give a curve in a test; got none$"),
    (metric.numbers, Endless, "^Endless: must give no infinite value; got one in test/count/stages.sn1$"),
    (metric.unchanged, Erases, "^Erases: must leave the scores as they are; got others$"),
    (metric.hooks, Stays, "^Stays: must remove its hooks and probes after the test; got one left in"),
    (
        metric.batches,
        Sized,
        "^Sized: must give the same in two batches as in one; got other values in test/count/stages.sn1$",
    ),
    (metric.repetition, Adds, "^Adds: must give the same in a second test; got other values in test/count/stages.sn1$"),
    (metric.potentials, Reads, "^Reads: must say needs_potential = True, since it reads h; 'NoneType' object has no attribute"),
]


@pytest.mark.parametrize("contract", metric.CONTRACTS)
def test_a_metric_without_a_mistake(contract):
    contract(Counts)


@pytest.mark.parametrize(("contract", "make", "message"), WRONG)
def test_a_metric_with_a_mistake(contract, make, message):
    with pytest.raises(AssertionError, match=message):
        contract(make)


def test_every_contract_finds_a_mistake():
    assert {contract for contract, *_ in WRONG} == set(metric.CONTRACTS)

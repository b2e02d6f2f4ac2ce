"""Metrics see SpikingJelly's neurons as they see ours, and refuse what these neurons do not show."""

from functools import partial

import pytest
import torch
from pipelines import built, option_of
from spikingjelly.activation_based import functional, neuron
from spikingjelly.activation_based.surrogate import ATan
from torch import nn

from snnx.audit.emissions import Emitted
from snnx.metric.anytime import AnyTime
from snnx.metric.decision import Decision
from snnx.metric.energy import Energy
from snnx.metric.firing_rate import FiringRate
from snnx.metric.recorder import Recorder
from snnx.metric.spikes_per_neuron import SpikesPerNeuron
from snnx.metric.spiking_percent import SpikingPercent
from snnx.neuron.ilif import ILIF
from snnx.neuron.lif import LIF
from snnx.neuron.psn import PSN
from snnx.neuron.spiking import path_of, spiking_layers
from snnx.options.files import files
from snnx.run.built import built as described
from snnx.testing.random_images import SHAPE

THEIRS = {
    "BaseNode": partial(neuron.LIFNode, surrogate_function=ATan(), step_mode="m"),
    "MemoryModule": partial(neuron.SlidingPSN, k=2, step_mode="m"),
    "Module": partial(neuron.PSN, T=4),
}
"""One of SpikingJelly's neurons for each base class that they have."""
NEEDS = ("negative_potential", "potential", "residual_potential", "weight_gradient")


def network(make) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), make(), nn.Linear(8, 3))


def recorded(net: nn.Module, metrics: list) -> dict[str, float]:
    torch.manual_seed(1)
    x = 3 * torch.rand(4, 5, 6)
    functional.reset_net(net)
    with torch.no_grad(), Recorder(net, metrics) as recorder:
        recorder.see_input(x[0], x)
        net(x)
        recorder.end_batch(torch.zeros(5, dtype=torch.bool))
    assert not net[1]._forward_hooks
    return recorder.scalars()


def all_that_read_spikes():
    return [FiringRate(), SpikingPercent(), SpikesPerNeuron(), Energy()]


def test_the_numbers_are_those_of_the_same_neuron_of_ours():
    ours = recorded(network(partial(LIF, tau=2.0)), all_that_read_spikes())
    theirs = recorded(network(THEIRS["BaseNode"]), all_that_read_spikes())
    assert ours == theirs
    assert ours["test/firing_rate"] > 0
    assert ours["test/energy_synops"] > 0


@pytest.mark.parametrize("base", THEIRS)
def test_neurons_of_every_base_class_are_seen(base):
    net = network(THEIRS[base])
    assert list(spiking_layers(net)) == ["1"]
    assert path_of(net[1]) == "spikingjelly"
    found = recorded(net, all_that_read_spikes())
    spikes = net[1](net[0](3 * torch.rand(4, 5, 6, generator=torch.Generator().manual_seed(1))))
    assert set(spikes.unique().tolist()) <= {0.0, 1.0}
    assert {"test/firing_rate", "test/spiking_percent", "test/energy_synops"} <= set(found)
    assert described(net)["layers"]["1"] == "neuron"
    assert described(net)["implementation"] == {"1": "spikingjelly"}


def test_a_spike_of_k_units_counts_k_times():
    """(2, 0) and (1, 4) in two steps of two neurons, of which each is read by three weights."""
    net = nn.Sequential(nn.Identity(), ILIF(tau=2.0), nn.Linear(2, 3, bias=False))
    x = torch.tensor([[[2.0, 0.0]], [[1.0, 4.0]]])
    with Recorder(net, [FiringRate(), Energy()]) as recorder:
        recorder.see_input(x[0], x)
        net(x)
        recorder.end_batch(torch.tensor([True]))
    assert recorder.scalars()["test/firing_rate"] == 7 / 4
    emitted = Emitted(fires_once=False, levels=4, counts=True)
    emitted.see(torch.tensor([[[2.0, 0.0]], [[1.0, 4.0]]]))
    assert (emitted.fired, emitted.spikes, emitted.others) == (3, 7, 0)
    emitted.see(torch.tensor([[[5.0, 0.5]]]))
    assert (emitted.others, emitted.example) == (2, 5.0)


@pytest.mark.parametrize("name", NEEDS)
@pytest.mark.parametrize("base", THEIRS)
def test_a_metric_of_potentials_refuses_a_neuron_that_does_not_show_them(name, base):
    with pytest.raises(ValueError, match=r"neuron must show its potential, as the neurons of snnx do; got \w+ in 1, which"):
        Recorder(network(THEIRS[base]), [option_of(name)])


def test_the_metrics_that_need_a_potential():
    assert tuple(sorted(name for name in files("metric") if option_of(name).needs_potential)) == NEEDS


@pytest.mark.parametrize("name", [name for name in files("metric") if name not in NEEDS])
def test_other_metrics_do_not_read_the_potential(name):
    """`measure` of a metric that did would fail, since the potential of SpikingJelly's neurons is None."""
    metric, node = option_of(name), LIF()
    s = torch.zeros(2, 1, 3)
    s[0, 0, 0] = 1
    if not metric.needs_targets:
        metric.measure_input(torch.zeros(1, 3), torch.zeros(2, 1, 3))
        metric.measure(None, s, node)


@pytest.mark.parametrize("metric", [AnyTime, Decision])
def test_a_neuron_that_reads_later_steps_gives_no_answer_before_the_last(metric):
    net = network(partial(PSN, timesteps=4))
    with pytest.raises(ValueError, match=f"{metric.__name__}: neuron must not read later steps.*; got PSN in 1; choose"):
        Recorder(net, [metric()])


NAMED = ("neuron._target_=spikingjelly.activation_based.neuron.ComplementaryLIFNode", "~neuron.decay_input", "~neuron.v_reset",
         "~neuron.detach_reset")  # fmt: skip


def test_a_named_neuron_of_spikingjelly_runs_in_multi_step_mode_only():
    with pytest.raises(ValueError, match=r"Direct: neuron\.step_mode must be m, since layers pass all .*; got s of Compl"):
        built(("timesteps=4", *NAMED), metric={})


@pytest.mark.parametrize("name", ["clif", "glif", "ilif", "psn"])
def test_an_option_trains_every_parameter(name):
    method = built((f"neuron={name}", "timesteps=4"), metric={})
    _, loss = method.scores_and_loss(torch.rand(4, *SHAPE), torch.tensor([0, 1, 2, 0]))
    loss.backward()
    assert all(p.grad is not None for p in method.parameters())

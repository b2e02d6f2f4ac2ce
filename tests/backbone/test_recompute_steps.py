"""Segments of time that are computed again give the gradients of the whole sequence, and take less memory."""

from functools import partial

import pytest
import torch
from composing import composed
from hypothesis import given
from hypothesis import strategies as st
from neurons import option
from spikingjelly.activation_based.functional import reset_net
from spikingjelly.activation_based.neuron import PSN, SlidingPSN
from spikingjelly.activation_based.surrogate import ATan
from torch import nn

from snnx.attention.tasa import TASA
from snnx.backbone.chain import Chain
from snnx.backbone.mlp import MLP
from snnx.backbone.recompute_steps import recompute_segments
from snnx.backbone.spikformer import Spikformer
from snnx.bench.steps import Step, peak_mb
from snnx.bench.twin import Network, Twin
from snnx.neuron.if_ import IF
from snnx.neuron.lif import LIF
from snnx.neuron.node import Node
from snnx.neuron.plif import PLIF
from snnx.neuron.spiking import is_spiking, spiking_layers
from snnx.neuron.ttfs import TTFS
from snnx.norm.none import NoNorm
from snnx.norm.tebn import TEBN
from snnx.options.files import files
from snnx.run.build import build_method

SMALL = {"in_shape": (3, 8, 8), "classes": 5, "layers": [8, "M", 8, "A", 16, "G"], "hidden": [12]}


def trained(network: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """Scores, gradients and states after one step in float64, where a product over fewer steps gives the same spikes."""
    x = x.double().requires_grad_()
    scores = network(x)
    scores.square().mean().backward()
    states = [layer.v.detach() for layer in spiking_layers(network).values()]
    return [scores.detach(), x.grad, *(p.grad for p in network.parameters()), *states]


@pytest.mark.parametrize("name", files("neuron"))
def test_every_neuron_gives_the_same_spikes_or_is_refused(name):
    """Of the shipped options, only neurons that see all steps at once are refused.

    Neurons alone, in float32 and in their kernels, are equal to the last bit. Between linear layers they are compared in
    float64 and with a tolerance, because a product over fewer steps may differ in the last bits.
    """
    torch.manual_seed(0)
    node = option("neuron", name)
    alone, x = nn.Sequential(option("neuron", name)), 3 * torch.rand(4, 4, 6)
    between = nn.Sequential(nn.Linear(6, 8), node, nn.Linear(8, 3)).double()
    if is_spiking(node) and (not isinstance(node, Node) or type(node).sequence is not Node.sequence):
        with pytest.raises(ValueError, match="which needs all steps at once"):
            recompute_segments(between, 2)
        return
    for network, inputs, tolerance in ((alone, x, 0.0), (between, x.double(), 1e-12)):
        whole = network(inputs).detach()
        reset_net(network)
        recompute_segments(network, 2)
        torch.testing.assert_close(network(inputs), whole, rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    "make",
    [
        lambda: PSN(T=8, surrogate_function=ATan()),
        lambda: SlidingPSN(k=2, step_mode="m"),
        lambda: TTFS(force_last_spike=True),
        lambda: option("neuron", "glif"),
    ],
)
def test_neurons_that_see_all_steps_are_refused(make):
    network = nn.Sequential(nn.Linear(6, 8), make())
    with pytest.raises(
        ValueError, match=r"^recompute_steps needs a network whose steps .*; got 1, \w+, which needs all steps at"
    ):
        recompute_segments(network, 4)


def test_what_watches_a_module_sees_all_steps_at_once():
    network = nn.Sequential(nn.Linear(2, 4), IF(v_threshold=0.3), nn.Linear(4, 3))
    recompute_segments(network, 4)
    seen = []
    network[1].probe = lambda h, s: seen.append(len(s))
    network(torch.rand(10, 1, 2)).sum().backward()
    assert seen == [10]


def test_random_numbers_are_drawn_again():
    found = []
    for steps in (3, 30):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), IF(v_threshold=0.3), nn.Linear(4, 3))
        recompute_segments(network, steps)
        x = torch.rand(3, 1, 2)
        network(x.repeat(2, 1, 1)[:3] if steps == 30 else x).sum().backward()
        found.append(network[0].weight.grad)
    assert torch.equal(*found)


@pytest.mark.parametrize("neuron", [IF, LIF, PLIF])
@given(steps=st.integers(1, 12), timesteps=st.integers(1, 12))
def test_gradients_are_those_of_the_whole_sequence(neuron, steps, timesteps):
    found = []
    for again in (False, True):
        torch.manual_seed(0)
        network = Chain(**SMALL, neuron=neuron, norm=NoNorm).double()
        if again:
            recompute_segments(network, steps)
        found.append(trained(network, 4 * torch.rand(timesteps, 2, 3, 8, 8)))
    for whole, segments in zip(*found, strict=True):
        torch.testing.assert_close(segments, whole)
    assert all(gradient.any() for gradient in found[0][1:3]), "a network that is silent would show nothing"


def test_a_segment_is_computed_twice_in_training_and_once_in_a_test():
    network = nn.Sequential(nn.Linear(2, 4), IF(), nn.Linear(4, 3))
    lengths, linear = [], network[0].forward
    network[0].forward = lambda x: lengths.append(len(x)) or linear(x)
    recompute_segments(network, 4)
    network(torch.rand(10, 1, 2)).sum().backward()
    assert lengths == [4, 4, 2, 4, 4]
    lengths.clear()
    with torch.no_grad():
        network(torch.rand(10, 1, 2))
    assert lengths == [10]


@pytest.mark.parametrize(
    ("network", "named"),
    [
        (lambda: Chain(**SMALL, neuron=LIF), r"Batch"),
        (lambda: Chain(**SMALL, neuron=LIF, norm=lambda channels, **given: TEBN(channels, timesteps=8)), r"TEBN"),
        (
            lambda: Spikformer(
                in_shape=(3, 32, 32), classes=5, embed_dim=16, heads=2, depth=1, neuron=LIF, norm=NoNorm,
                attention={"temporal": lambda: TASA(timesteps=4)},
            ),
            "SelfAttention",
        ),
    ],
)  # fmt: skip
def test_a_module_that_needs_all_steps_is_refused(network, named):
    message = rf"^recompute_steps needs a network whose steps .*, {named}, which needs all steps at once: use recompute=true"
    with pytest.raises(ValueError, match=message):
        recompute_segments(network(), 4)


def test_a_segment_has_at_least_one_step():
    with pytest.raises(ValueError, match=r"^recompute_steps must be at least 1; got -3$"):
        recompute_segments(MLP(in_shape=(1, 8, 8), classes=5, neuron=IF), -3)


def test_a_run_keeps_its_identity():
    line = ["backbone=mlp", "timesteps=4"]
    assert composed(*line, "recompute_steps=2").id == composed(*line).id


class _Digits:
    shape, classes = (1, 8, 8), 10


@pytest.mark.parametrize("key", ["packed_spikes", "recompute"])
def test_other_ways_to_save_memory_are_not_combined(key):
    job = composed("backbone=mlp", f"{key}=true", "recompute_steps=2")
    with pytest.raises(ValueError, match=rf"^{key} must be false with recompute_steps=2: choose one of the two$"):
        build_method(job.config, _Digits())


def test_zero_steps_are_refused():
    with pytest.raises(ValueError, match=r"^recompute_steps must be at least 1; got 0$"):
        build_method(composed("backbone=mlp", "recompute_steps=0").config, _Digits())


@pytest.mark.slow
def test_memory_grows_with_the_segment_and_not_with_the_sequence():
    """Of 200 steps, segments of 10 keep the input, the output and 20 copies of the states."""

    build = partial(Chain, layers=[32, 32, 32, 32, "G"], hidden=[], norm=NoNorm)
    long = Network("long", build, (200, 4, 3, 16, 16))
    saving = partial(recompute_segments, steps=10)
    whole, segments = (peak_mb(Step(long, Twin(LIF, used), torch.float32)) for used in ((), (saving,)))
    assert segments < whole / 3

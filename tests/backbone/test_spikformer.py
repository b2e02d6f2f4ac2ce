"""Spikformer: its number of parameters, its order of layers, and DS2TA with settings that change nothing."""

from functools import partial

import pytest
import torch
from spikingjelly.activation_based import functional
from torch import nn

from snnx.attention.nsad import NSAD
from snnx.attention.tasa import TASA
from snnx.backbone.spikformer import Spikformer
from snnx.backbone.spikformer_spikingjelly import SpikformerSpikingJelly
from snnx.neuron.lif import LIF
from snnx.norm.batch import Batch

EVENTS = {"embed_dim": 256, "heads": 16, "depth": 2, "pools": 4, "qkv_bias": False}
TINY = {"in_shape": (3, 16, 16), "classes": 5, "embed_dim": 32, "heads": 4, "depth": 2}
neuron = partial(LIF, tau=2, detach_reset=True)


def parameters(**arguments):
    with torch.device("meta"):
        return sum(p.numel() for p in Spikformer(neuron=neuron, **arguments).parameters())


def test_sizes_of_the_published_networks():
    """As in the authors' files without unused tensors; DS2TA adds 2 parameters per block and 7 per head and block."""
    assert parameters(in_shape=(3, 32, 32), classes=10) == 9_324_730
    assert parameters(in_shape=(3, 32, 32), classes=100) == 9_359_380
    assert parameters(in_shape=(2, 128, 128), classes=10, **EVENTS) == 2_566_666
    assert parameters(in_shape=(2, 128, 128), classes=11, **EVENTS) == 2_566_923
    ds2ta = {"attention": {"temporal": partial(TASA, timesteps=4), "denoiser": NSAD}}
    assert parameters(in_shape=(3, 32, 32), classes=10, **ds2ta) == 9_325_074


def test_order_of_the_stem():
    """The neuron is before the pooling; in SpikingJelly's variant it is after."""
    net = Spikformer(neuron=neuron, **TINY)
    names = [name for name, _ in net.stem.named_children()]
    assert names == ["conv1", "sn1", "conv2", "sn2", "conv3", "sn3", "pool3", "conv4", "sn4", "pool4"]
    seen = {}
    for name in ("pool3", "pool4"):
        getattr(net.stem, name).register_forward_pre_hook(lambda _, given, name=name: seen.update({name: given[0]}))
    net(torch.rand(2, 3, 3, 16, 16))
    assert [tuple(seen[name].shape[2:]) for name in seen] == [(16, 16, 16), (32, 8, 8)]
    assert all(set(values.unique().tolist()) <= {0.0, 1.0} for values in seen.values())


@pytest.mark.parametrize(
    "neutral",
    [
        {"attention": {"temporal": partial(TASA, timesteps=4, window=1)}},
        {"attention": {"denoiser": partial(NSAD, threshold=0)}},
        {"attention": {"temporal": partial(TASA, timesteps=4, window=1), "denoiser": partial(NSAD, threshold=0)}},
    ],
    ids=["window 1", "u 0", "both"],
)
def test_ds2ta_with_neutral_settings_equals_spikformer(neutral):
    """Initial weights, scores and gradients of the weights are all equal."""
    nets, found = [], []
    for settings in ({}, neutral):
        torch.manual_seed(0)
        nets.append(Spikformer(neuron=neuron, **TINY, **settings))
    x = torch.rand(4, 3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    for net in nets:
        found.append(net(x))
        found[-1].square().sum().backward()
    assert torch.equal(*found)
    others = dict(nets[1].named_parameters())
    for name, p in nets[0].named_parameters():
        torch.testing.assert_close(p.grad, others[name].grad, rtol=1e-3, atol=1e-6 + 1e-4 * float(p.grad.abs().max()))


def test_gradients_reach_k_and_u():
    """Weights are set so that neurons fire: with initial weights almost none after the product does, and no gradient flows."""
    torch.manual_seed(0)
    net = Spikformer(neuron=neuron, **TINY, attention={"temporal": partial(TASA, timesteps=4), "denoiser": NSAD})
    for norm in (m for m in net.encoder.modules() if isinstance(m, Batch)):
        nn.init.constant_(norm.weight, 4.0)
    net(torch.rand(4, 8, 3, 16, 16)).square().sum().backward()
    learned = {name: p.grad for name, p in net.named_parameters() if name.rsplit(".", 1)[-1] in ("kappa", "u", "a1")}
    assert len(learned) == 2 * (2 + 1 + 1)
    assert all(grad is not None and grad.abs().sum() > 0 for grad in learned.values())


def test_a_repeated_image_gives_the_same_as_its_copies():
    """Layers compute the repeated image once, which must not change scores and gradients."""
    found = []
    for copied in (False, True):
        torch.manual_seed(0)
        net, image = Spikformer(neuron=neuron, **TINY).double(), torch.rand(3, 3, 16, 16).double()
        x = image.expand(4, -1, -1, -1, -1)
        y = net(x.clone() if copied else x)
        y.square().sum().backward()
        found.append((y.detach(), net.stem.conv1[0].weight.grad, net.stem.conv1[1].running_var))
    torch.testing.assert_close(found[0][:2], found[1][:2], rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(found[0][2], found[1][2], rtol=1 / (3 * 16 * 16), atol=0)


def test_width_changes_the_number_of_heads_only():
    net = Spikformer(neuron=neuron, in_shape=(3, 32, 32), classes=10, width=0.25)
    assert (net.head.in_features, net.encoder[0].attention.heads) == (96, 3)


def test_a_batch_does_not_affect_the_next():
    torch.manual_seed(0)
    net, x = Spikformer(neuron=neuron, **TINY).eval(), torch.rand(4, 2, 3, 16, 16)
    first = net(x)
    functional.reset_net(net)
    assert torch.equal(net(x), first)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"attention": {"temporal": partial(TASA, timesteps=4), "spatial": NSAD}},
            "Spikformer: attention must contain temporal, denoiser or both; got spatial",
        ),
        ({"heads": 5}, "Spikformer: embed_dim must be a multiple of heads = 5; got 32"),
        ({"embed_dim": 36}, "Spikformer: embed_dim must be a multiple of 8 at this width, as the stem starts with D/8; got 36"),
        ({"pools": 5}, "Spikformer: pools must be between 0 and 4, the number of convolutions; got 5"),
    ],
)
def test_wrong_arguments_are_rejected(arguments, message):
    with pytest.raises(ValueError, match=message):
        Spikformer(neuron=nn.ReLU, **(TINY | arguments))


def test_spikingjellys_variant_is_a_different_network():
    """Its order and parameters differ, and our neurons get the threshold that it sets for its own neuron only."""
    net = SpikformerSpikingJelly(neuron=neuron, in_shape=(3, 32, 32), classes=10, embed_dim=64, heads=4, depth=2)
    assert sum(p.numel() for p in net.parameters()) < parameters(
        in_shape=(3, 32, 32), classes=10, embed_dim=64, heads=4, depth=2
    )
    thresholds = {name.rsplit(".")[-1]: m.v_threshold for name, m in net.named_modules() if isinstance(m, LIF)}
    assert {name for name, value in thresholds.items() if value != 1.0} == {"attn_lif"}
    assert net(torch.rand(4, 2, 3, 32, 32)).shape == (4, 2, 10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"heads": 5}, "SpikformerSpikingJelly: embed_dim must be a multiple of heads = 5; got 384"),
        ({"patch": 8}, "SpikformerSpikingJelly: patch must be 4 or 16; got 8"),
    ],
)
def test_wrong_arguments_of_spikingjellys_variant_are_rejected(arguments, message):
    with pytest.raises(ValueError, match=message):
        SpikformerSpikingJelly(neuron=nn.ReLU, in_shape=(3, 32, 32), classes=10, **arguments)

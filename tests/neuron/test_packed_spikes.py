"""Spikes that are kept as bits give the same gradients to the last bit, and take less memory."""

import pytest
import torch
from composing import composed
from hypothesis import given
from hypothesis import strategies as st
from spikingjelly.activation_based import functional
from torch import nn

from snnx.backbone.chain import Chain
from snnx.backbone.resnet import ResNet
from snnx.backbone.spikformer import Spikformer
from snnx.backbone.vgg import VGG
from snnx.bench.steps import Step, peak_mb
from snnx.bench.twin import Network, Twin
from snnx.neuron.if_ import IF
from snnx.neuron.lif import LIF
from snnx.neuron.packed_spikes import Packed, pack_spikes
from snnx.neuron.take_norms import take_norms
from snnx.run.build import build_method


def taken(net: nn.Module) -> nn.Module:
    take_norms(net, torch.zeros(3, 1, 3, 32, 32))
    return net


NETWORKS = {
    "chain": lambda: Chain(neuron=LIF, in_shape=(3, 8, 8), classes=5, layers=[8, 8, "M", 8, "A", 16, "G"], hidden=[12]),
    "vgg": lambda: VGG(neuron=LIF, in_shape=(3, 32, 32), classes=5, width=0.1),
    "resnet": lambda: ResNet(neuron=LIF, in_shape=(3, 32, 32), classes=5, width=0.1),
    "resnet, norms and sums taken": lambda: taken(NETWORKS["resnet"]()),
    "spikformer": lambda: Spikformer(neuron=LIF, in_shape=(3, 32, 32), classes=5, embed_dim=16, heads=2, depth=1),
}


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.randoms(use_true_random=False), st.booleans())
def test_a_tensor_comes_back_as_it_was(shape, random, narrow):
    order = random.sample(range(len(shape)), len(shape))
    spikes = (torch.rand(shape) < 0.3).to(torch.bfloat16 if narrow else torch.float32)
    spikes = spikes.permute(order).contiguous().permute([order.index(place) for place in range(len(shape))])
    packed = Packed(spikes)
    assert packed.bits.numel() == -(-spikes.numel() // 8)
    back = packed.unpacked()
    assert torch.equal(back, spikes)
    assert (back.stride(), back.dtype) == (spikes.stride(), spikes.dtype)


def gradients(net: nn.Module, x: torch.Tensor, narrow: bool) -> list[torch.Tensor]:
    functional.reset_net(net)
    with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
        out = net(x)
    out.float().square().mean().backward()
    return [out.detach(), *(p.grad for p in net.parameters())]


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("narrow", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_the_same_to_the_last_bit(name, narrow, channels_last):
    found = []
    for packed in (False, True):
        torch.manual_seed(0)
        net = NETWORKS[name]()
        if channels_last:
            net.to(memory_format=torch.channels_last)
        if packed:
            pack_spikes(net)
        side = 8 if name == "chain" else 32
        found.append(gradients(net, 2 * torch.rand(3, 4, 3, side, side), narrow))
    plain, packed = found
    assert any(bool(g.any()) for g in plain[1:])
    assert all(torch.equal(a, b) for a, b in zip(plain, packed, strict=True))


def kept(net: nn.Module, x: torch.Tensor) -> int:
    """How many tensors were packed in a forward pass."""
    made, init = [], Packed.__init__

    def count(self, spikes):
        made.append(spikes.numel())
        init(self, spikes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Packed, "__init__", count)
        net(x)
    return len(made)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_shortcuts_of_residual_blocks_are_packed_too(dtype, channels_last):
    """Of the eight blocks of a ResNet-18, five add their input, and three add a convolution of it, which is no spikes."""
    x, counts = torch.rand(3, 2, 3, 32, 32), []
    for name in ("resnet", "resnet, norms and sums taken"):
        net = NETWORKS[name]()
        pack_spikes(net)
        if channels_last:
            net.to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            counts.append(kept(net, x))
    assert counts[1] == counts[0] + 5


def test_inputs_that_are_no_spikes_stay_as_they_are():
    net = nn.Sequential(nn.Linear(3, 4), IF(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    pack_spikes(net)
    assert kept(net, torch.rand(2, 1, 3)) == 1
    with torch.no_grad():
        functional.reset_net(net)
        assert kept(net, torch.rand(2, 1, 3)) == 0


def test_neurons_with_other_spikes_stay_as_they_are():
    method = build_method(composed("neuron=ilif", "timesteps=2", "packed_spikes=true").config, Facts())
    assert kept(method, torch.rand(2, 1, 8, 8)) == 0


class Facts:
    shape, classes = (1, 8, 8), 10


def test_a_layer_that_fails_leaves_nothing_behind():
    net = nn.Sequential(IF(), nn.Linear(4, 2))
    pack_spikes(net)
    with pytest.raises(RuntimeError):
        net(torch.rand(2, 1, 3))
    functional.reset_net(net)
    assert kept(net, torch.rand(2, 1, 4)) == 1
    other = torch.rand(3, requires_grad=True)
    assert other.square().grad_fn.next_functions, "no hook is left"


def test_it_is_an_option_that_renames_no_run():
    plain, packed = composed("timesteps=2", "backbone=mlp"), composed("timesteps=2", "backbone=mlp", "packed_spikes=true")
    assert packed.id == plain.id
    assert kept(build_method(packed.config, Facts()), torch.rand(2, 1, 8, 8)) > 0


@pytest.mark.slow
def test_it_takes_less_memory():
    network = Network("ResNet", lambda **given: ResNet(width=0.25, **given), (4, 8, 3, 32, 32))
    plain, packed = (peak_mb(Step(network, Twin(LIF, changes), torch.float32)) for changes in ((), (pack_spikes,)))
    relu = peak_mb(Step(network, Twin(nn.ReLU), torch.float32))
    assert packed < 0.75 * plain
    assert packed < 0.85 * relu

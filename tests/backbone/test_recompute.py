"""Blocks that are computed again give the same gradients, states and statistics to the last bit, and take less memory."""

import pytest
import torch
from composing import composed
from torch import nn

from snnx.backbone.chain import Chain
from snnx.backbone.recompute import recompute_blocks
from snnx.backbone.resnet import ResNet
from snnx.backbone.spikformer import Spikformer
from snnx.backbone.vgg import VGG
from snnx.bench.steps import Step, peak_mb
from snnx.bench.twin import Network, Twin
from snnx.neuron.if_ import IF
from snnx.neuron.kernel.find import LAYERS
from snnx.neuron.lif import LIF
from snnx.neuron.packed_spikes import pack_spikes
from snnx.neuron.plif import PLIF
from snnx.neuron.spiking import spiking_layers
from snnx.neuron.take_norms import take_norms
from snnx.norm.tebn import TEBN
from snnx.run.build import build_method

NETWORKS = {
    "chain": lambda **given: Chain(in_shape=(3, 8, 8), classes=5, layers=[8, 8, "M", 8, "A", 16, "G"], hidden=[12], **given),
    "vgg": lambda **given: VGG(in_shape=(3, 32, 32), classes=5, width=0.1, **given),
    "resnet": lambda **given: ResNet(in_shape=(3, 32, 32), classes=5, width=0.1, **given),
    "spikformer": lambda **given: Spikformer(in_shape=(3, 32, 32), classes=5, embed_dim=16, heads=2, depth=1, **given),
}


def two_steps(net: nn.Module, x: torch.Tensor, narrow: bool = False) -> list[torch.Tensor]:
    """Outputs, gradients, statistics and states after two training steps without a reset between them."""
    seen = []
    for _ in range(2):
        with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
            out = net(x)
        out.float().square().mean().backward()
        for layer in spiking_layers(net).values():
            layer.detach()
            seen.append(layer.v)
        seen.append(out.detach())
    return [*seen, *(p.grad for p in net.parameters()), *net.buffers()]


@pytest.mark.parametrize("fused", [False, True], ids=["norm apart", "norm in the kernel"])
@pytest.mark.parametrize("narrow", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("packed", [False, True], ids=["spikes", "bits"])
@pytest.mark.parametrize("name", NETWORKS)
def test_everything_is_the_same_to_the_last_bit(name, packed, narrow, fused):
    found = []
    side = 8 if name == "chain" else 32
    for again in (False, True):
        torch.manual_seed(0)
        net, x = NETWORKS[name](neuron=LIF), 2 * torch.rand(3, 4, 3, side, side)
        if packed:
            pack_spikes(net)
        if again:
            assert recompute_blocks(net)
        if fused:
            assert take_norms(net, x)
        found.append(two_steps(net, x, narrow))
    plain, again = found
    assert any(bool(value.any()) for value in plain[1:])
    assert len(plain) == len(again)
    assert all(torch.equal(a, b) for a, b in zip(plain, again, strict=True))


@pytest.mark.parametrize("neuron", [IF, PLIF])
def test_learned_neurons_and_norms_by_step_are_the_same(neuron):
    found = []
    for again in (False, True):
        torch.manual_seed(0)
        net = NETWORKS["chain"](neuron=neuron, norm=lambda channels, **given: TEBN(channels, timesteps=3))
        if again:
            recompute_blocks(net)
        found.append(two_steps(net, 2 * torch.rand(3, 4, 3, 8, 8)))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_a_neuron_may_be_traced_inside_of_a_block():
    """The first forward of a kind of neuron traces its step, which keeps tensors of its own; the second one does not."""
    LAYERS.clear()
    net = nn.Sequential(nn.Linear(6, 8), IF(v_threshold=0.7), nn.Linear(8, 2))
    recompute_blocks(net)
    net(3 * torch.rand(2, 5, 6)).sum().backward()
    assert net[0].weight.grad.any()


def test_random_numbers_are_drawn_again():
    found = []
    for again in (False, True):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), IF()), nn.Linear(8, 2))
        if again:
            recompute_blocks(net)
        net(3 * torch.rand(2, 5, 6)).sum().backward()
        found.append([p.grad for p in net.parameters()] + [torch.rand(1)])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.linear, self.neuron = nn.Sequential(nn.Linear(3, 3), IF()), nn.Linear(3, 3), IF()

    def forward(self, x):
        return self.neuron(self.linear(self.inner(x)) + x)


def test_a_module_with_neurons_and_weights_is_one_block_and_a_sequence_is_cut_behind_its_neurons():
    assert recompute_blocks(nn.Sequential(Residual(), nn.Linear(3, 2), IF())) == 2
    assert recompute_blocks(nn.Sequential(nn.Sequential(nn.Linear(2, 3), IF()), nn.Linear(3, 3), nn.ReLU(), IF())) == 2
    assert recompute_blocks(nn.Sequential(IF(), nn.Sequential(nn.Linear(2, 3), IF()))) == 1


class Flat(nn.Module):
    """All in one: computed again as a whole, it would save nothing."""

    def __init__(self):
        super().__init__()
        self.linear, self.neuron = nn.Linear(3, 3), IF()


def test_a_network_without_blocks_is_refused():
    with pytest.raises(ValueError, match=r"^recompute needs a backbone whose neurons .*; got Flat, which has none: leave"):
        recompute_blocks(Flat())


def test_it_is_an_option_that_renames_no_run():
    plain, again = composed("timesteps=2"), composed("timesteps=2", "recompute=true")
    assert again.id == plain.id

    class Facts:
        shape, classes = (1, 8, 8), 10

    method = build_method(again.config, Facts())
    assert sum("forward" in vars(module) for module in method.backbone.modules()) == 1
    method(torch.rand(2, 1, 8, 8)).sum().backward()


@pytest.mark.slow
def test_it_takes_less_memory():
    network = Network("ResNet", lambda **given: ResNet(width=0.25, **given), (4, 16, 3, 32, 32))
    plain, packed, again = (
        peak_mb(Step(network, Twin(LIF, changes), torch.float32))
        for changes in ((), (pack_spikes,), (pack_spikes, recompute_blocks))
    )
    assert again < 0.92 * packed < plain

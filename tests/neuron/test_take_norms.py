"""A neuron layer that computes the norm in front of it gives the numbers of the two layers one after another."""

import copy
import os
import subprocess
import sys
from contextlib import nullcontext
from functools import partial

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from neurons import SHIPPED, option
from own_neurons import OWN
from pretended_gpu import CUDA, pretended_gpu
from spikingjelly.activation_based.functional import reset_net
from torch import nn

from snnx.backbone.convnet import ConvNet
from snnx.backbone.resnet import ResNet
from snnx.backbone.spikformer import Spikformer
from snnx.conversion.fold_norm import fold_norm
from snnx.layer.normed import Normed
from snnx.layer.residual_sum import ResidualSum
from snnx.neuron.kernel import norm_in_front
from snnx.neuron.kernel.find import definition_only
from snnx.neuron.lif import LIF
from snnx.neuron.node import Taken
from snnx.neuron.take_norms import release_norms, take_norms
from snnx.norm.batch import Batch
from snnx.norm.tdbn import TDBN


def numbers(network, x, **autocast):
    """Run forward and backward; return outputs, gradients and running statistics."""
    reset_net(network)
    network.zero_grad()
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, **{"enabled": False, **autocast}):
        y = network(x)
    (y.float() * torch.linspace(0.1, 1, y.numel()).view(y.shape)).sum().backward()
    gradients = [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]
    return [y.detach(), x.grad, *gradients, *(buffer.clone() for buffer in network.buffers())]


def assert_equal(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        assert torch.equal(a, b)


def pair(norm, neuron, x, **autocast):
    """Compute a norm and neurons as one and as two layers, and compare every number."""
    two = nn.Sequential(norm, neuron)
    one = copy.deepcopy(two)
    assert take_norms(one, torch.zeros(x.shape)) == 1
    for _ in range(2):  # the second time with other running statistics
        found = numbers(one, x, **autocast)
        assert_equal(found, numbers(two, x, **autocast))
    return found


def normed(cls, channels, **more):
    norm = cls(channels, v_threshold=0.8, meets_sum=False, **more)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.copy_(torch.rand(channels) + 0.3)
    return norm


@settings(max_examples=25, deadline=None)
@given(
    steps=st.integers(1, 9),
    samples=st.integers(2, 4),
    channels=st.integers(1, 70),
    sides=st.sampled_from([(), (1,), (7,), (3, 5), (9, 9)]),
    cls=st.sampled_from([Batch, TDBN]),
    training=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_shape(steps, samples, channels, sides, cls, training, seed):
    torch.manual_seed(seed)
    x = torch.randn(steps, samples, channels, *sides) * 3 + 1
    norm = normed(cls, channels)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    pair(norm.train(training), LIF(tau=2.3), x)


NEURONS = {**{name: partial(option, "neuron", name) for name in SHIPPED}, **OWN}


@pytest.mark.parametrize("cls", [Batch, TDBN])
@pytest.mark.parametrize("name", NEURONS)
def test_every_neuron_of_conf_and_those_of_a_user(name, cls):
    torch.manual_seed(1)
    norm = normed(cls, 6)
    for parameter in norm.parameters():
        parameter.data += 1  # so that every neuron fires
    spikes, *_ = pair(norm, NEURONS[name](), torch.randn(4, 3, 6, 5, 5))
    assert spikes.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(4, 2, 8, 5, 7), (1, 2, 65, 3, 3), (3, 2, 1, 4, 4)])
def test_channels_last(shape, dtype):
    torch.manual_seed(7)
    images = (torch.randn(shape) * 2).to(dtype).flatten(0, 1).contiguous(memory_format=torch.channels_last)
    x = images.unflatten(0, shape[:2])
    pair(normed(Batch, shape[2]), LIF(), x)
    layers = nn.Sequential(normed(Batch, shape[2]), LIF())
    take_norms(layers, torch.zeros(shape))
    assert layers(x).stride()[1:] == x.stride()[1:]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision(dtype):
    torch.manual_seed(2)
    pair(normed(Batch, 6), LIF(), (torch.randn(4, 3, 6, 5, 5) * 2).to(dtype))


def test_a_probed_layer_shows_its_potentials():
    torch.manual_seed(3)
    x = torch.randn(4, 3, 6, 5) * 2
    seen = []
    for take in (False, True):
        layers = nn.Sequential(Batch(6), LIF())
        layers[1].probe = lambda h, s: seen.append(h)
        if take:
            take_norms(layers, x)
            seen.pop()  # of the run in which the layers are watched
            seen.pop()
        layers(x)
    assert torch.equal(*seen)


@pytest.mark.parametrize("change", [{"momentum": None}, {"track_running_stats": False}, {"momentum": 0.3}])
def test_any_way_of_tracking_statistics(change):
    torch.manual_seed(4)
    norm = normed(Batch, 6)
    for name, value in change.items():
        setattr(norm, name, value)
    if not norm.track_running_stats:
        norm.running_mean = norm.running_var = norm.num_batches_tracked = None
    pair(norm, LIF(), torch.randn(4, 3, 6, 5))
    pair(norm.eval(), LIF(), torch.randn(4, 3, 6, 5))


@pytest.mark.parametrize("enabled", [False, True])
@pytest.mark.parametrize(
    ("make", "taken", "norms"),
    [
        (lambda: ConvNet(neuron=LIF, in_shape=(3, 32, 32), classes=10, channels=[4, 8]), 2, 2),
        (lambda: ResNet(neuron=LIF, in_shape=(3, 32, 32), classes=10, width=0.125), 17, 20),  # not those of shortcuts
        (lambda: Spikformer(neuron=LIF, in_shape=(3, 32, 32), classes=10, width=0.25), 28, 29),
    ],
)
def test_networks(make, taken, norms, enabled):
    torch.manual_seed(5)
    two, x = make(), torch.rand(4, 2, 3, 32, 32)
    one = copy.deepcopy(two)
    assert take_norms(one, x) == taken
    assert sum(isinstance(module, Batch) for module in one.modules()) == norms
    assert list(one.state_dict()) == list(two.state_dict())
    assert_equal(numbers(one, x, enabled=enabled), numbers(two, x, enabled=enabled))
    reset_net(one)
    assert_equal(numbers(copy.deepcopy(one), x), numbers(copy.deepcopy(one), x))
    with definition_only():
        assert_equal(numbers(one, x), numbers(two, x))


class Twice(nn.Module):
    """Two readers of one norm."""

    def __init__(self):
        super().__init__()
        self.norm, self.neuron = Batch(3), LIF()

    def forward(self, x):
        y = self.norm(x)
        return self.neuron(y) + y


class Shared(nn.Module):
    """One norm that runs twice."""

    def __init__(self):
        super().__init__()
        self.norm, self.first, self.second = Batch(3), LIF(), LIF()

    def forward(self, x):
        return self.second(self.norm(self.first(self.norm(x))))


class Turned(nn.Module):
    """Neurons that read a norm's output in another order."""

    def __init__(self):
        super().__init__()
        self.norm, self.neuron = Batch(3), LIF()

    def forward(self, x):
        return self.neuron(self.norm(x).transpose(1, 2))


class Doubled(Batch):
    def forward(self, x):
        return 2 * super().forward(x)


class Once(nn.Module):
    """A norm that sees one of equal steps."""

    def __init__(self):
        super().__init__()
        self.layer, self.neuron = Normed(nn.Conv2d(3, 3, 1), Batch(3), once=True), LIF()

    def forward(self, x):
        return self.neuron(self.layer(x))


@pytest.mark.parametrize(
    "network",
    [Twice(), Shared(), Turned(), Once(), nn.Sequential(Doubled(3), LIF()), nn.Sequential(Batch(3, fused=False), LIF())],
    ids=lambda network: type(network).__name__,
)
def test_other_norms_are_not_taken(network):
    assert take_norms(network, torch.rand(4, 2, 3, 5, 5)) == 0
    assert not any(isinstance(module, LIF) and module.norm for module in network.modules())


@pytest.mark.skipif(not norm_in_front.repeatable(torch.device("cpu")), reason="torch computes the norms on this processor")
def test_the_output_of_a_taken_norm_is_not_kept():
    x, kept = torch.rand(4, 2, 3, 5, 5, requires_grad=True), []
    layers = nn.Sequential(Batch(3), LIF())
    take_norms(layers, x.detach())
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        layers(x)
    large = {tensor.untyped_storage().data_ptr() for tensor in kept if tensor.untyped_storage().nbytes() >= 4 * x.numel()}
    assert large == {x.untyped_storage().data_ptr()}


def test_a_network_is_left_as_it_was():
    network = nn.Sequential(Batch(3), LIF())
    network[0].eval()
    before = copy.deepcopy(network.state_dict())
    take_norms(network, torch.rand(4, 2, 3))
    assert (network.training, network[0].training, network[1].v, network[1].path) == (True, False, 0.0, None)
    assert all(torch.equal(a, b) for a, b in zip(before.values(), network.state_dict().values(), strict=True))
    release_norms(network)
    assert (network[0].taken, network[1].norm) == (False, None)


def test_a_folded_network_has_no_taken_norms():
    torch.manual_seed(6)
    network, x = ConvNet(neuron=LIF, in_shape=(1, 8, 8), classes=2, channels=[4]).eval(), torch.rand(4, 2, 1, 8, 8)
    network.stages.conv1[1].running_mean.normal_()
    take_norms(network, x)
    folded = fold_norm(network, (1, 8, 8), who="test")
    assert folded.stages.sn1.norm is None
    torch.testing.assert_close(folded(x), network(x))


def test_a_network_that_does_not_run_on_the_example_takes_none():
    network = nn.Sequential(Batch(3), LIF())
    assert take_norms(network, torch.rand(4, 2, 5)) == 0
    assert not network[0]._forward_hooks
    assert not network[1]._forward_pre_hooks


WITHOUT_AVX2 = """
import copy, torch
from spikingjelly.activation_based.functional import reset_net
from torch import nn
from snnx.neuron.lif import LIF
from snnx.neuron.take_norms import take_norms
from snnx.norm.batch import Batch
assert torch.backends.cpu.get_cpu_capability() == "DEFAULT"
torch.manual_seed(0)
two = nn.Sequential(Batch(6), LIF(tau=2.3))
one, x = copy.deepcopy(two), torch.randn(4, 3, 6, 5, 5) * 2
print(take_norms(one, x))
for layers in (one, two):
    layers(x).square().sum().backward()
print(one[1].path, *(bool(torch.equal(a.grad, b.grad)) for a, b in zip(one.parameters(), two.parameters())))
print(bool(torch.equal(one[1].v, two[1].v)), bool(torch.equal(one[0].running_var, two[0].running_var)))
"""


def test_without_avx2_torch_computes_a_taken_norm():
    """There, torch rounds the product and the sum of a batch norm apart, which the kernel does not."""
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": "default"}
    done = subprocess.run([sys.executable, "-c", WITHOUT_AVX2], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "1\nnumba True True\nTrue True\n"


def test_on_a_gpu_the_instructions_of_the_cpu_do_not_matter(monkeypatch):
    monkeypatch.setattr(norm_in_front, "CONTRACTING", ())
    torch.manual_seed(0)
    x, norm, node = torch.randn(4, 3, 6, 5, 5), Batch(6), LIF()
    node.norm = Taken(norm, 2, None)
    values, affine, _ = norm_in_front.prepared(node, x)
    assert affine is None
    with pretended_gpu():
        on_card = x.to(CUDA)
        norm.to(CUDA)
        norm.reset_running_stats()
        passed, affine, _ = norm_in_front.prepared(node, on_card)
        assert passed.is_cuda
        assert affine.scale.is_cuda
        scale, shift = affine.scale.cpu()[:, None, None], affine.shift.cpu()[:, None, None]
        torch.testing.assert_close(scale * passed.cpu() + shift, values.detach())


def test_single_steps_are_refused():
    layers = nn.Sequential(Batch(3), LIF())
    take_norms(layers, torch.rand(4, 2, 3))
    layers[1].step_mode = "s"
    with pytest.raises(
        RuntimeError, match=r"^LIF: step_mode must be m while the layer computes a norm; got s; .*release_norms"
    ):
        layers[1](torch.rand(2, 3))


class Block(nn.Module):
    """A residual block whose shortcut is another input, given as it should be read."""

    def __init__(self, channels, neuron):
        super().__init__()
        self.norm, self.sum, self.neuron = normed(Batch, channels), ResidualSum(), neuron

    def forward(self, x):
        x, shortcut = x
        return self.neuron(self.sum(self.norm(x), shortcut))


def summed(neuron, x, shortcut, **autocast):
    """Compute a residual sum as one and as three layers, and compare every number."""
    three = Block(x.shape[2], neuron)
    one = copy.deepcopy(three)
    three.norm.running_mean.normal_()
    one.norm.load_state_dict(three.norm.state_dict())
    one.norm.taken, one.sum.taken = True, (one.norm, x.dim() - 3)
    one.neuron.norm = Taken(one.norm, x.dim() - 3, one.sum)
    for _ in range(2):
        found = []
        for network in (one, three):
            reset_net(network)
            network.zero_grad()
            a, b = x.clone().requires_grad_(), shortcut.clone().requires_grad_()
            y = network((a, b))
            (y.float() * torch.linspace(0.1, 1, y.numel()).view(y.shape)).sum().backward()
            found.append([y.detach(), a.grad, b.grad, *(p.grad for p in network.parameters()), *network.buffers()])
        assert_equal(*found)
    return found[0]


ONCE = {"steps": 1, "samples": 2, "channels": 1, "side": 1, "training": False, "seed": 0}


@settings(max_examples=20, deadline=None)
@example(**ONCE, dtype=torch.bfloat16, other="float32")
@example(**ONCE, dtype=torch.float16, other="float32")
@example(**ONCE, dtype=torch.float32, other="float64")
@given(
    steps=st.integers(1, 9),
    samples=st.integers(2, 4),
    channels=st.integers(1, 70),
    side=st.integers(1, 9),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float16]),
    other=st.sampled_from(["same", "float32", "float64", "channels last"]),
    training=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_layer_computes_the_sum_of_a_residual_block(steps, samples, channels, side, dtype, other, training, seed):
    torch.manual_seed(seed)
    shape = (steps, samples, channels, side, side)
    x, shortcut = ((torch.randn(shape) * 2).to(dtype) for _ in range(2))
    if other in ("float32", "float64"):
        shortcut = shortcut.to(getattr(torch, other))
    if other == "channels last":
        shortcut = shortcut.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, shape[:2])
    neuron = LIF(tau=2.3).train(training)
    summed(neuron, x, shortcut)


def test_a_probed_layer_of_a_sum_shows_its_potentials():
    torch.manual_seed(8)
    block, inputs = Block(6, LIF()), torch.randn(2, 4, 3, 6, 5, 5).unbind()
    seen = []
    block.neuron.probe = lambda h, s: seen.append(h)
    expected = block(inputs)
    block.norm.taken, block.sum.taken = True, (block.norm, 2)
    block.neuron.norm = Taken(block.norm, 2, block.sum)
    for definition in (False, True):
        reset_net(block)
        with definition_only() if definition else nullcontext():
            assert torch.equal(block(inputs), expected)
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2])


class Read(nn.Module):
    """A network whose sum is read in one of several ways."""

    def __init__(self, how):
        super().__init__()
        self.how, self.conv, self.norm, self.other = how, nn.Conv3d(3, 3, 1), Batch(3), Batch(3)
        self.sum, self.neuron = ResidualSum(), LIF()

    def forward(self, x):
        y, z = self.norm(x), self.other(x)
        if self.how == "shortcut of another shape":
            z = z.mean((3, 4), keepdim=True)
        total = self.sum(x, y) if self.how == "norm is the shortcut" else self.sum(y, z)
        s = self.neuron(total.relu() if self.how == "something else reads it" else total)
        return s + total if self.how == "read twice" else s + y if self.how == "norm read twice" else s


@pytest.mark.parametrize(
    ("how", "taken"),
    [
        ("by a layer", 1),
        ("read twice", 0),
        ("norm read twice", 0),
        ("something else reads it", 0),
        ("norm is the shortcut", 0),
        ("shortcut of another shape", 0),
    ],
)
def test_which_sums_are_taken(how, taken):
    torch.manual_seed(9)
    network, x = Read(how), torch.randn(4, 2, 3, 5, 5)
    expected = network(x)
    reset_net(network)
    assert take_norms(network, x) == taken
    assert (network.sum.taken is not None) == bool(taken)
    assert torch.equal(network(x), expected)
    release_norms(network)
    reset_net(network)
    assert network.sum.taken is None
    assert torch.equal(network(x), expected)


def taken_block():
    torch.manual_seed(8)
    block = Block(6, LIF())
    block.norm.taken, block.sum.taken = True, (block.norm, 2)
    block.neuron.norm = Taken(block.norm, 2, block.sum)
    return block, torch.randn(2, 4, 3, 6, 5, 5).unbind()


def test_a_failed_forward_leaves_nothing_behind_in_copies_and_after_release():
    block, (x, shortcut) = taken_block()
    block.sum(x, (2 * shortcut.requires_grad_()))  # the neuron layer was not reached
    expected = block((x, shortcut)).detach()
    reset_net(block)
    block.sum(x, 2 * shortcut)
    again = copy.deepcopy(block)
    reset_net(again)
    assert torch.equal(again((x, shortcut)), expected)
    release_norms(block)
    reset_net(block)
    assert torch.equal(block((x, shortcut)), expected)


def test_the_layer_of_a_sum_alone_is_refused():
    block, (x, _) = taken_block()
    with pytest.raises(
        RuntimeError, match=r"^ResidualSum: must run before the neuron layer .*; got a call of that layer alone"
    ):
        block.neuron(x)

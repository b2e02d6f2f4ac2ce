"""A backbone that torch compiles for training gives what it gives without a compiler."""

import pytest
import torch
from composing import composed
from spikingjelly.activation_based.functional import reset_net
from torch import nn
from torch._dynamo.utils import counters
from torch._inductor import config

from snnx.attention.nsad import NSAD
from snnx.backbone.compiled import compile_training
from snnx.backbone.convnet import ConvNet
from snnx.backbone.resnet import ResNet
from snnx.backbone.spikformer import Spikformer
from snnx.backbone.vgg import VGG
from snnx.neuron.if_ import IF
from snnx.neuron.kernel import registered
from snnx.neuron.lif import LIF
from snnx.neuron.plif import PLIF
from snnx.neuron.spiking import spiking_layers
from snnx.neuron.take_norms import take_norms
from snnx.run.build import build_method

NETWORKS = {
    "convnet": lambda **given: ConvNet(in_shape=(3, 8, 8), classes=5, channels=[4, 8], **given),
    "vgg": lambda **given: VGG(in_shape=(3, 32, 32), classes=5, width=0.05, **given),
    "resnet": lambda **given: ResNet(in_shape=(3, 32, 32), classes=5, width=0.05, **given),
    "spikformer": lambda **given: Spikformer(in_shape=(3, 32, 32), classes=5, embed_dim=16, heads=2, depth=1, **given),
}


@pytest.fixture(autouse=True)
def fresh():
    torch.compiler.reset()
    counters.clear()
    yield
    torch.compiler.reset()


class Backend:
    """A backend of torch.compile that runs the graphs as they are, and counts them and their runs."""

    def __init__(self) -> None:
        self.graphs, self.runs = [], 0

    def __call__(self, graph, inputs):
        self.graphs.append(graph)

        def run(*given):
            self.runs += 1
            return graph(*given)

        return run

    def operators(self) -> int:
        """The number of neuron layers in the graphs that are one operation."""
        return sum(node.target is torch.ops.snnx.sequence.default for graph in self.graphs for node in graph.graph.nodes)


def learnt(net, x):
    """Output, gradients and statistics of one training step."""
    out = net(x)
    out.float().square().mean().backward()
    return [out.detach(), *(p.grad for p in net.parameters()), *net.buffers()]


@pytest.mark.parametrize(("name", "neuron"), [*((name, LIF) for name in NETWORKS), ("convnet", PLIF)])
def test_a_step_is_the_same_and_has_one_graph(name, neuron):
    found, side = [], 8 if name == "convnet" else 32
    for compiled in (False, True):
        torch.manual_seed(0)
        net, x = NETWORKS[name](neuron=neuron), 2 * torch.rand(2, 2, 3, side, side)
        take_norms(net, x)
        if compiled:
            keys = [*net.state_dict()]
            compile_training(net, backend="aot_eager")
            assert [*net.state_dict()] == keys
        found.append(learnt(net, x))
    for plain, compiled in zip(*found, strict=True):
        assert torch.equal(plain, compiled)
    assert counters["stats"]["unique_graphs"] == 1
    assert not counters["graph_break"]


@pytest.mark.parametrize("channels_last", [False, True], ids=["plain", "channels_last"])
def test_bfloat16_and_channels_last(channels_last):
    found = []
    for compiled in (False, True):
        torch.manual_seed(0)
        net, x = NETWORKS["convnet"](neuron=LIF), 2 * torch.rand(2, 2, 3, 8, 8)
        if channels_last:
            net.to(memory_format=torch.channels_last)
        if compiled:
            compile_training(net, backend="aot_eager")
        with torch.autocast("cpu", torch.bfloat16):
            found.append(learnt(net, x))
    for plain, compiled in zip(*found, strict=True):
        assert torch.equal(plain, compiled)


@pytest.mark.parametrize("name", NETWORKS)
def test_each_neuron_layer_is_one_operation(name):
    net, backend, side = NETWORKS[name](neuron=LIF), Backend(), 8 if name == "convnet" else 32
    compile_training(net, backend=backend)
    net(torch.rand(5, 1, 3, side, side))
    assert backend.operators() == len(spiking_layers(net)) > 1


def test_a_layer_that_runs_twice_keeps_its_state():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.sn = nn.Linear(3, 3), LIF()

        def forward(self, x):
            return self.sn(self.fc(self.sn(self.fc(x))))

    found, x = [], 4 * torch.rand(4, 2, 3)
    for compiled in (False, True):
        torch.manual_seed(0)
        net, backend = Twice(), Backend()
        if compiled:
            compile_training(net, backend=backend)
        found.append(learnt(net, x))
    assert backend.operators() == 2
    for plain, compiled in zip(*found, strict=True):
        assert torch.equal(plain, compiled)


def counted():
    net, backend = nn.Sequential(nn.Linear(2, 4), IF(), nn.Linear(4, 2)), Backend()
    compile_training(net, backend=backend)
    return net, backend


def test_only_learning_is_compiled():
    net, backend = counted()
    x = torch.rand(3, 1, 2)
    net.eval()(x)
    with torch.no_grad():
        reset_net(net)
        net.train()(x)
    assert (len(backend.graphs), backend.runs) == (0, 0)
    reset_net(net)
    net(x)
    assert (len(backend.graphs), backend.runs) == (1, 1)


def test_what_a_hook_or_a_probe_watches_runs_as_before():
    net, backend = counted()
    x, seen = torch.rand(3, 1, 2), []
    net[1].probe = lambda h, s: seen.append(h)
    net(x)
    net[1].probe = None
    hook = net[0].register_forward_hook(lambda module, given, out: seen.append(out))
    reset_net(net)
    net(x)
    hook.remove()
    assert (len(seen), backend.runs) == (2, 0)
    reset_net(net)
    net(x)
    assert (len(seen), backend.runs) == (2, 1)


def test_neurons_are_at_rest_after_a_compiled_step():
    net, backend = counted()
    x = torch.rand(3, 1, 2)
    first, second = net(x), net(x)
    assert torch.equal(first, second)
    assert (net[1].v, backend.runs) == (0.0, 2)
    net[1].v = torch.full((1, 4), 0.9)
    assert not torch.equal(net(x), first)  # a state that is given is read


def test_each_shape_is_compiled_once():
    net, backend = counted()
    for _ in range(3):
        for steps, batch in ((4, 3), (2, 3), (4, 1)):
            net(torch.rand(steps, batch, 2)).sum().backward()
    assert (len(backend.graphs), backend.runs) == (3, 9)


def test_many_networks_can_be_compiled():
    """torch compiles a function at most eight times, and then runs it as it is."""
    for _ in range(10):
        net, backend = counted()
        net(torch.rand(3, 1, 2))
        assert backend.runs == 1


def test_the_denoiser_does_not_stop_the_trace():
    net, backend = NETWORKS["spikformer"](neuron=LIF, attention={"denoiser": NSAD}), Backend()
    compile_training(net, backend=backend)
    net(torch.rand(2, 1, 3, 32, 32))
    assert len(backend.graphs) == 1


def test_without_a_compiler_the_message_says_what_to_do():
    net = nn.Sequential(nn.Linear(2, 2), IF())
    compile_training(net)
    message = r"^compile must be null on a machine without a C\+\+ compiler.*; install g\+\+"
    with config.patch({"cpp.cxx": (None, "no-such-compiler")}), pytest.raises(RuntimeError, match=message):
        net(torch.rand(2, 1, 2))


class Facts:
    shape, classes = (1, 8, 8), 3


@pytest.mark.parametrize("saving", ["packed_spikes", "recompute"])
def test_torch_chooses_what_is_kept(saving):
    job = composed("compile=default", f"{saving}=true")
    with pytest.raises(ValueError, match=f"^compile must be null with {saving}=true, .*; got default$"):
        build_method(job.config, Facts())


@pytest.mark.slow
def test_a_run_is_compiled_by_inductor():
    found = []
    words = ("timesteps=2", "backbone.channels=[4]", "neuron.v_threshold=0.5")
    for more in ((), ("compile=default",)):
        torch.manual_seed(0)
        method = build_method(composed(*words, *more).config, Facts())
        _, loss = method.learn_from(torch.rand(4, 1, 8, 8), torch.arange(4) % 3)
        loss.backward()
        found.append({"loss": loss.detach()} | {name: p.grad for name, p in method.named_parameters()})
    assert registered.COMPILED_LAYERS
    for name, plain in found[0].items():
        torch.testing.assert_close(found[1][name], plain, rtol=1e-4, atol=1e-5)
    assert counters["stats"]["unique_graphs"] == 1

"""The operator with which torch compiles a neuron layer gives what the layer gives without a compiler."""

import pytest
import torch
from neurons import TRACED, option
from own_neurons import OWN
from torch.library import opcheck

from snnx.neuron.kernel import find, registered
from snnx.neuron.kernel.backward import backward
from snnx.neuron.kernel.forward import forward
from snnx.neuron.kernel.registered import number_of, sequence
from snnx.neuron.lif import LIF
from snnx.neuron.plif import PLIF

CHECKED = {"lif": LIF, "plif": PLIF, "two states": lambda: option("neuron", "clif")}


@pytest.fixture(autouse=True)
def fresh():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def place_of(node, x):
    return number_of(node, x.device, x.dim() - 1, x.dtype, ())


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # opcheck looks at it
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("name", CHECKED)
def test_the_operator_keeps_the_rules_of_torch(name, dtype):
    node, x = CHECKED[name](), (torch.randn(3, 2, 5) * 1.5 + 0.5).to(dtype).requires_grad_()
    parameters = [p.detach().clone().requires_grad_() for p in node.parameters()]
    for first in (lambda: torch.zeros(()), lambda: torch.rand(2, 5), lambda: torch.rand(2, 5).requires_grad_()):
        states = [first() for _ in node._memories]
        opcheck(sequence, (x, states, parameters, place_of(node, x), True))


@pytest.mark.parametrize("arrange", ["plain", "channels_last", "expanded"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_results_lie_in_memory_as_announced(dtype, arrange):
    """Inductor plans with the strides and types that the operator announces before it runs."""
    x = torch.randn(3, 2, 4, 5, 6).to(dtype)
    x = {
        "plain": x,
        "channels_last": x.flatten(0, 1).contiguous(memory_format=torch.channels_last).view(x.shape),
        "expanded": x[:1].expand(x.shape),
    }[arrange]
    layer = registered.COMPILED_LAYERS[place_of(PLIF(), x)]
    states, parameters = [torch.zeros(2, 4, 5, 6)], [torch.tensor(0.3)]
    made = layer.forward(x, states, parameters, learns=True)
    gradients = layer.backward(x, states, parameters, [], made[0], [None], [True])
    for values, announced in (
        (made, layer.results(x, learns=True)),
        (gradients, layer.gradients(x, parameters, [True])),
    ):
        assert [(v.shape, v.stride(), v.dtype) for v in values] == [(v.shape, v.stride(), v.dtype) for v in announced]


def spikes_and_gradients(node, x, first, *, compiled):
    """Spikes, last states and all gradients, from the `first` states, or from a reset."""
    node.reset()
    node.zero_grad()
    x, first = x.detach().clone().requires_grad_(), {name: v.clone().requires_grad_() for name, v in first.items()}
    for name, state in first.items():
        setattr(node, name, state)
    run = torch.compile(node, backend="aot_eager", fullgraph=True) if compiled else node
    s = run(x)
    last = [getattr(node, name) for name in node._memories]
    ((s * torch.linspace(0.1, 1, s.numel()).view(s.shape)).sum() + sum((v * 0.5).sum() for v in last)).backward()
    gradients = [x.grad, *(v.grad for v in first.values()), *(p.grad.clone() for p in node.parameters())]
    return [s.detach(), *(v.detach() for v in last), *gradients]


@pytest.mark.parametrize("from_rest", [True, False], ids=["from rest", "from states"])
@pytest.mark.parametrize("name", [*TRACED, *OWN])
def test_a_compiled_layer_equals_the_layer(name, from_rest):
    torch.manual_seed(0)
    make = OWN.get(name, lambda: option("neuron", name))
    x = torch.randn(5, 3, 7) * 1.5 + 0.5
    first = {} if from_rest else {memory: torch.rand(3, 7) for memory in make()._memories}
    node = make()
    wanted = spikes_and_gradients(node, x, first, compiled=False)
    assert node.path == "numba"
    for value, expected in zip(spikes_and_gradients(make(), x, first, compiled=True), wanted, strict=True):
        assert (value is expected is None) or torch.equal(value, expected)


def test_a_neuron_without_a_kernel_is_compiled_from_its_definition():
    class Mean(LIF):
        def charge(self, x, v):
            return super().charge(x - x.mean(), v)

    x = torch.randn(4, 3, 5) + 0.5
    assert place_of(Mean(), x) is None
    wanted = spikes_and_gradients(Mean(), x, {}, compiled=False)
    for value, expected in zip(spikes_and_gradients(Mean(), x, {}, compiled=True), wanted, strict=True):
        torch.testing.assert_close(value, expected)


def test_double_precision_is_compiled_from_the_definition():
    x = torch.randn(4, 3, 5, dtype=torch.float64)
    s = torch.compile(LIF(), backend="aot_eager")(x)
    assert s.dtype == torch.float64
    assert torch.equal(s, LIF()(x))


def test_a_changed_number_is_used():
    node, x = LIF(), torch.full((3, 2), 1.5)
    compiled = torch.compile(node, backend="aot_eager")
    for threshold in (1.0, 0.5, 0.7, 5.0, 1.0):
        node.reset()
        node.v_threshold = threshold
        assert torch.equal(compiled(x), LIF(v_threshold=threshold)(x))


def test_a_probe_sees_the_definition():
    node, seen = LIF(), []
    node.probe = lambda h, s: seen.append(h)
    torch.compile(node, backend="eager")(torch.ones(3, 2))
    assert seen[0].shape == (3, 2)


def test_other_shapes_need_no_other_kernel():
    node, made = LIF(tau=2.7), None
    compiled = torch.compile(node, backend="aot_eager", dynamic=False)
    for steps in range(1, 6):
        for _ in range(2):
            node.reset()
            compiled(torch.randn(steps, 3, 4 + steps, requires_grad=True)).sum().backward()
        now = (len(find.LAYERS), len(registered.COMPILED_LAYERS), forward.cache_info().misses, backward.cache_info().misses)
        assert made in (None, now)
        made = now

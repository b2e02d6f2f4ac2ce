"""The Triton kernels equal the definition, in Triton's interpreter, which needs no GPU.

Triton reads TRITON_INTERPRET when it is imported, so `test_triton.py` runs this file in a process of its own.
"""

import random

import pytest
import torch
from neurons import FIXED, LAYERS, MADE, SURROGATES, TRACED, layer_of, on_triton, option, run

from snnx.layer.residual_sum import ResidualSum
from snnx.neuron.if_ import IF
from snnx.neuron.kernel import registered
from snnx.neuron.kernel.cuda.compile_failure import compile_failure
from snnx.neuron.kernel.cuda.triton_backend import SEGMENT, TritonBackend
from snnx.neuron.kernel.cuda.works import trouble
from snnx.neuron.kernel.find import definition_only
from snnx.neuron.kernel.layer import Layer
from snnx.neuron.kernel.trace import trace
from snnx.neuron.lif import LIF
from snnx.neuron.node import Taken
from snnx.neuron.plif import PLIF
from snnx.norm.batch import Batch

pytestmark = pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")  # the interpreter computes with NumPy


def assert_equals_definition(make, x, **more):
    path, states, gradients = run(on_triton(make()), x, **more)
    with definition_only():
        slow, expected_states, expected = run(make(), x, **more)
    assert (path, slow) == ("triton", "definition")
    assert torch.equal(states[0], expected_states[0])
    last_bits = 0.0 if trace(make(), x.dim() - 1).exact else 1e-5
    for state, wanted in zip(states, expected_states, strict=True):
        torch.testing.assert_close(state, wanted, rtol=last_bits, atol=last_bits)
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        sums = x.numel() ** 0.5 if gradient.numel() == 1 else 0.0
        scale = max(1.0, float(expected[name].abs().max()), sums)
        scale *= 4 if gradient.numel() == 1 else 1  # a program adds up to 300 steps of its neurons in float32
        torch.testing.assert_close(gradient, expected[name], rtol=0, atol=max(1e-6, last_bits) * scale)


def test_the_interpreter_computes_the_trivial_kernel():
    assert trouble(torch.device("cpu")) is None


@pytest.mark.parametrize("name", TRACED)
def test_the_trial_of_every_option_succeeds(name):
    node = option("neuron", name)
    backend = TritonBackend(trace(node, 2))
    for dtype, normed, added in ((torch.float32, False, False), (torch.bfloat16, True, True)):
        assert compile_failure(backend, node, torch.device("cpu"), dtype, normed, added) is None


@pytest.mark.parametrize("name", TRACED)
def test_every_option_of_conf(name):
    torch.manual_seed(0)
    x = torch.randn(9, 5, 37) * 1.5 + 0.5
    assert_equals_definition(lambda: option("neuron", name), x)
    assert_equals_definition(lambda: option("neuron", name), x, v=torch.randn(5, 37))


@pytest.mark.parametrize("layer", [*LAYERS, *FIXED])
def test_every_neuron(layer):
    torch.manual_seed(0)
    x = torch.randn(19, 5, 37) * 1.5 + 0.5
    first = {name: torch.rand(5, 37) for name in layer_of(layer)._memories}
    assert_equals_definition(lambda: layer_of(layer), x)
    assert_equals_definition(lambda: layer_of(layer, v_reset=None), x, **first)
    assert 0 < float(on_triton(layer_of(layer))(x).detach().abs().mean()) < 1


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_every_surrogate(surrogate):
    x = torch.cat([torch.linspace(-60, 60, 401), torch.linspace(0, 2, 101), torch.tensor([-1e30, 1e30])])[None]
    assert_equals_definition(lambda: IF(surrogate=option("surrogate", surrogate)), x, weight=torch.ones_like(x))


@pytest.mark.parametrize("steps", [1, 2, 3, SEGMENT, SEGMENT + 1, 4 * SEGMENT])
def test_any_number_of_steps(steps):
    torch.manual_seed(1)
    assert_equals_definition(lambda: PLIF(tau=2.3, v_reset=None), torch.randn(steps, 130) + 0.5, v=torch.randn(130))


@pytest.mark.parametrize("name", MADE)
def test_every_neuron_for_any_number_of_steps(name):
    """With each of its resets, for 1 to 300 steps of odd sizes, from rest and from other states."""
    torch.manual_seed(1)
    draw = random.Random(name)
    for steps in (1, draw.randint(2, 40), 300):
        shape = [draw.randint(1, 5) for _ in range(draw.randint(0, 3))]
        x = torch.randn(steps, *shape) + 0.5
        assert_equals_definition(MADE[name], x)
    assert_equals_definition(MADE[name], x, **{state: torch.rand(shape) for state in MADE[name]()._memories})


@pytest.mark.parametrize("name", MADE)
def test_every_neuron_without_values(name):
    node = on_triton(MADE[name]())
    x = torch.randn(5, 2, 0, 3).requires_grad_()
    s = node(x)
    s.sum().backward()
    assert s.shape == x.grad.shape == x.shape
    assert node.path == "triton"


@pytest.mark.parametrize("name", MADE)
def test_chunks_equal_the_whole(name):
    torch.manual_seed(1)
    node, results = on_triton(MADE[name]()), []
    x = torch.randn(19, 3, 11) * (0.5 if name.startswith("ttfs") else 2.0)
    weight = torch.randn_like(x)
    for lengths in ([19], [1, 9, 9], [8, 3, 8]):
        node.reset()
        node.zero_grad()
        pieces = [piece.clone().requires_grad_() for piece in x.split(lengths)]
        s = torch.cat([node(piece) for piece in pieces])
        states = [getattr(node, state) for state in node._memories]
        ((s * weight).sum() + sum(state.sum() for state in states)).backward()
        exact = [s.detach(), *(state.detach() for state in states)]
        results.append((exact, [torch.cat([piece.grad for piece in pieces]), *(p.grad.clone() for p in node.parameters())]))
    for exact, close in results[1:]:
        assert all(map(torch.equal, exact, results[0][0]))
        torch.testing.assert_close(close, results[0][1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (128,), (3, 1, 5)])
def test_any_shape(shape):
    torch.manual_seed(2)
    x = torch.randn(5, *shape) + 0.5
    if x.numel():
        assert_equals_definition(lambda: LIF(tau=2.3), x)
    else:
        assert on_triton(LIF())(x).shape == x.shape


@pytest.mark.parametrize(
    "arrange",
    [
        lambda x: x.flatten(0, 1).contiguous(memory_format=torch.channels_last).view(x.shape),
        lambda x: x[:1].expand(x.shape),
        lambda x: x.transpose(2, 3).contiguous().transpose(2, 3)[:1].expand(x.shape),
        lambda x: x.movedim(0, -1).contiguous().movedim(-1, 0),
    ],
    ids=["channels_last", "expanded", "expanded-transposed", "time-last"],
)
def test_any_arrangement_in_memory(arrange):
    torch.manual_seed(3)
    x = arrange(torch.randn(9, 2, 3, 4, 5) + 0.5)
    v = torch.randn(2, 3, 4, 5)
    results = []
    for slow in (False, True):
        node = LIF(tau=2.3)
        leaf = x.detach().requires_grad_()
        node.v = v.clone().requires_grad_()
        first = node.v
        if slow:
            with definition_only():
                s = node(leaf)
        else:
            s = on_triton(node)(leaf)
        (s * torch.linspace(0.1, 1, s.numel()).view(s.shape)).sum().backward()
        results.append((s.detach(), node.v.detach(), leaf.grad, first.grad))
        if not slow and x.stride(-1) != 9:
            assert s.stride()[1:] == x.stride()[1:]
    torch.testing.assert_close(*results, rtol=0, atol=1e-6)
    assert torch.equal(results[0][0], results[1][0])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", MADE)
def test_low_precision(name, dtype):
    """The interpreter cuts off a gradient's last bits where a GPU rounds, so its bound is one last bit of the type."""
    torch.manual_seed(4)
    x, results = torch.randn(11, 5, 37).to(dtype), []
    for slow in (False, True):
        node, leaf = MADE[name](), x.clone().requires_grad_()
        if slow:
            with definition_only():
                s = node(leaf)
        else:
            s = on_triton(node)(leaf)
        (s * torch.randn(s.shape, generator=torch.Generator().manual_seed(5)).to(dtype)).sum().backward()
        assert (s.dtype, node.v.dtype) == (dtype, torch.float32)
        results.append((s.detach(), node.v.detach(), leaf.grad, [p.grad for p in node.parameters()]))
    (s, v, grad, learned), (s_slow, v_slow, grad_slow, learned_slow) = results
    last_bits = 0.0 if trace(MADE[name](), 2).exact else 1e-5
    assert torch.equal(s, s_slow)
    torch.testing.assert_close(v, v_slow, rtol=last_bits, atol=last_bits)
    torch.testing.assert_close(grad, grad_slow, rtol=torch.finfo(dtype).eps, atol=1e-6)
    torch.testing.assert_close(learned, learned_slow, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("arrangement", ["same", "channels_last", "expanded"])
def test_norm_and_residual_sum_in_any_arrangement(arrangement, dtype):
    """NumPy rounds a product and a sum twice, so potentials may differ in the last bit; no spike does here."""
    torch.manual_seed(7)
    x, shortcut = (torch.randn(11, 2, 3, 4, 4).to(dtype) for _ in range(2))
    if arrangement == "channels_last":
        shortcut = shortcut.flatten(0, 1).contiguous(memory_format=torch.channels_last).view(x.shape)
    if arrangement == "expanded":
        shortcut = shortcut[:1].expand(x.shape)
    results = []
    for slow in (False, True):
        norm, residual, node = Batch(3), ResidualSum(), LIF(tau=2.3)
        a, b = x.detach().clone().requires_grad_(), shortcut.detach().clone().requires_grad_()
        if slow:
            with definition_only():
                s = node(residual(norm(a), b))
        else:
            norm.taken, residual.taken, node.norm = True, (norm, 2), Taken(norm, 2, residual)
            s = on_triton(node)(residual(norm(a), b))
        (s * torch.linspace(0.1, 1, s.numel()).view(s.shape).to(dtype)).sum().backward()
        results.append([s.detach(), a.grad, b.grad, norm.weight.grad, norm.bias.grad])
        last = torch.finfo(dtype).eps
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=4 * last, atol=4 * last * float(expected.abs().max()))
    assert torch.equal(results[0][0], results[1][0])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", MADE)
def test_nan_and_infinity_affect_only_their_neuron(name, bad):
    torch.manual_seed(5)
    clean = torch.randn(7, 200)
    dirty = clean.clone()
    dirty[2, 77] = bad
    node = on_triton(MADE[name]())
    (_, states, gradients), (_, bad_states, bad_gradients) = run(node, clean), run(node, dirty)
    others = torch.arange(200) != 77
    for a, b in zip([*states, gradients["x"]], [*bad_states, bad_gradients["x"]], strict=True):
        assert torch.equal(a[..., others], b[..., others])


@pytest.mark.parametrize("name", MADE)
def test_a_layer_that_ends_at_rest(name):
    torch.manual_seed(2)
    x, results = torch.randn(11, 5, 7) + 0.5, []
    for ends_at_rest in (False, True):
        node, given = on_triton(MADE[name]()), x.clone().requires_grad_()
        node.ends_at_rest = ends_at_rest
        s = node(given)
        s.sum().backward()
        results.append([s.detach(), given.grad])
    assert all(map(torch.equal, *results))


def test_only_states_of_every_eighth_step_are_kept():
    kept = []
    x = torch.randn(4 * SEGMENT, 8, 16, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        on_triton(LIF())(x)
    assert [t.shape for t in kept if t is not x and t.numel() > 8 * 16] == [(3, 8, 16)]


def test_a_second_derivative_is_rejected():
    x = torch.rand(4, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"MultiStep: create_graph must be False, .*; got True; run .*definition_only\(\)"):
        torch.autograd.grad(on_triton(LIF())(x).sum(), x, create_graph=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_operator_of_torch_equals_the_layer(dtype):
    torch.manual_seed(6)
    node, x = PLIF(tau=2.3), (torch.randn(2 * SEGMENT + 3, 2, 65) + 0.5).to(dtype).requires_grad_()
    s = on_triton(node)(x)
    (s * s).float().sum().backward()
    layer = Layer(TritonBackend(trace(node, 2)))
    registered.COMPILED_LAYERS.append(layer)
    again, w = x.detach().clone().requires_grad_(), node.w.detach().clone().requires_grad_()
    made = registered.sequence(again, [torch.zeros(())], [w], registered.COMPILED_LAYERS.index(layer), True)
    (made[0] * made[0]).float().sum().backward()
    assert torch.equal(made[0], s)
    assert torch.equal(made[1], node.v)
    assert torch.equal(again.grad, x.grad)
    assert torch.equal(w.grad, node.w.grad)
    gradients = layer.backward(again, [torch.zeros(2, 65)], [w], made[2:], s, [None], [True])
    for values, announced in ((made, layer.results(x, learns=True)), (gradients, layer.gradients(x, [w], [True]))):
        assert [(v.shape, v.stride(), v.dtype) for v in values] == [(v.shape, v.stride(), v.dtype) for v in announced]

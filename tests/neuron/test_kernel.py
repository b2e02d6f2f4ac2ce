"""The fused kernels equal the definition: spikes and potentials exactly, gradients within 1e-6 of their scale."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from composing import configuration
from hydra.utils import get_object
from hypothesis import example, given, settings
from hypothesis import strategies as st
from neurons import LAYERS, MADE, ONCE, SHIPPED, SURROGATES, TRACED, option, run
from numba import njit
from own_neurons import OWN, REFUSED, Absent, Choosing, Exponential, Noisy, PerChannel, Rectified, Shapely
from spikingjelly.activation_based import surrogate as sg
from torch.utils._python_dispatch import TorchDispatchMode

from snnx.neuron.if_ import IF
from snnx.neuron.kernel.compile import compiled
from snnx.neuron.kernel.find import definition_only, layer_of
from snnx.neuron.kernel.operation_recorder import Untraceable
from snnx.neuron.kernel.render import Kernel
from snnx.neuron.kernel.rules import RULES
from snnx.neuron.kernel.trace import trace
from snnx.neuron.kernel.vector_exp import vector_exp
from snnx.neuron.kernel.vector_tanh import vector_tanh
from snnx.neuron.lif import LIF
from snnx.neuron.lif_delayed import LIFDelayed
from snnx.neuron.node import Node
from snnx.neuron.plif import PLIF
from snnx.neuron.spiking import is_spiking, path_of
from snnx.neuron.ttfs import TTFS
from snnx.options.files import files


def assert_equals_definition(node, x, **more):
    path, states, gradients = run(node, x, **more)
    with definition_only():
        slow, expected_states, expected = run(node, x, **more)
    assert (path, slow) == ("numba", "definition")
    for state, wanted in zip(states, expected_states, strict=True):
        assert torch.equal(state, wanted)
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        # The gradient of a layer's one number is a float32 sum over all neurons and steps. Both sums round at each step, by up
        # to 6e-8 of the sum, so after T steps they differ by about 1.2e-7 * sqrt(T) of it.
        one = gradient.numel() == 1
        scale = max(1.0, float(expected[name].abs().max()) if x.numel() else 0.0, x.numel() ** 0.5 if one else 0.0)
        rounding = max(1e-6, 1.2e-7 * len(x) ** 0.5) if one else 1e-6
        torch.testing.assert_close(gradient, expected[name], rtol=0, atol=rounding * scale)


@pytest.mark.parametrize("v_reset", [-0.25, None], ids=["hard", "soft"])
@pytest.mark.parametrize("layer", LAYERS)
def test_every_neuron(layer, v_reset):
    torch.manual_seed(0)
    x = torch.randn(9, 5, 37) * 1.5 + 0.5
    node = LAYERS[layer](v_reset=v_reset)
    assert_equals_definition(node, x)
    assert_equals_definition(node, x, v=torch.randn(5, 37))
    assert 0 < float(node(x).detach().mean()) < 1


def assert_close_to_definition(make, x):
    path, (s, *states), gradients = run(make(), x)
    with definition_only():
        _, (expected, *wanted_states), wanted = run(make(), x)
    assert path == "numba"
    other = (s != expected).any(0)  # where the potential was at the threshold
    assert other.sum() <= 1 + 1e-4 * other.numel()
    for state, wanted_state in zip(states, wanted_states, strict=True):
        torch.testing.assert_close(state[..., ~other], wanted_state[..., ~other], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradients["x"][:, ~other], wanted["x"][:, ~other], rtol=1e-4, atol=1e-5)


def assert_is_the_definition(make, x):
    """Equal if the kernel's forward half can be exact, and close if it has an exponential or the like."""
    node = make()
    if trace(node, x.dim() - 1).exact:
        assert_equals_definition(node, x)
    else:
        assert_close_to_definition(make, x)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_option_of_conf(name):
    torch.manual_seed(0)
    x = torch.randn(9, 5, 37) * 1.5 + 0.5
    node = option("neuron", name)
    if type(node).sequence is not Node.sequence:
        assert find_or_reason(node, x) == f"{type(node).__name__} has its own method `sequence`"
        return
    assert 0 < float(node(x).detach().mean()) < 1
    if not trace(node, 2).exact:
        assert_close_to_definition(lambda: option("neuron", name), torch.randn(19, 50, 370) * 1.5 + 0.5)
        return
    assert_equals_definition(node, x)
    assert_equals_definition(node, x[:, 0, 0])
    assert_equals_definition(node, x, v=torch.randn(5, 37))


UNTRACED = {
    "glif": ("GLIF has its own method `sequence`", r"conduct is not one float32 number but \[4\] in float32"),
    "ilif": ("spikingjelly", None),
    "psn": ("spikingjelly", None),
    "relu": (None, None),
    "relu_quantised": (None, None),
}
"""The options of conf/neuron without a kernel: why, or what they run on, and the reason of the trace, if there is one."""


def test_every_option_that_has_no_kernel_is_listed_with_its_reason():
    assert UNTRACED.keys() == set(files("neuron")) - set(TRACED)
    assert UNTRACED.keys() - set(SHIPPED) == {"ilif", "psn", "relu", "relu_quantised"}


@pytest.mark.parametrize("name", UNTRACED)
def test_an_option_without_a_kernel_says_why(name):
    reason, of_the_trace = UNTRACED[name]
    kind = get_object(configuration(f"neuron={name}")["neuron"]["_target_"])
    node = kind(timesteps=4) if name in ("glif", "psn") else kind()
    node(torch.rand(4, 3, 37))
    if isinstance(node, Node):
        assert (node.path, node.unfused) == ("definition", reason)
        with pytest.raises(Untraceable, match=of_the_trace):
            trace(node, 2)
    else:
        assert (path_of(node) if is_spiking(node) else None) == reason


def find_or_reason(node: Node, x: torch.Tensor):
    return node.fused(x, (torch.zeros(x.shape[1:]),))


@pytest.mark.parametrize("layer", OWN)
def test_neurons_of_a_user(layer):
    torch.manual_seed(0)
    x = torch.randn(19, 5, 37) * 1.5 + 0.5
    node = OWN[layer]()
    assert_equals_definition(node, x)
    assert_equals_definition(node, x, **{name: torch.rand(5, 37) for name in node._memories})
    assert 0 < float(node(x).detach().abs().mean()) < 1


@pytest.mark.parametrize("neuron", [Exponential, Rectified])
def test_an_exponential_is_close_to_torch(neuron):
    """Its last bits are not those of torch's exponential, so a spike could differ where the potential is at the threshold."""
    torch.manual_seed(0)
    x = torch.randn(19, 50, 370) * 1.5 + 0.5
    assert not trace(neuron(), 2).exact
    assert_close_to_definition(neuron, x)


@pytest.mark.parametrize("layer", ["lif", "klif-scaled"])
@pytest.mark.parametrize("v_reset", [0.0, None], ids=["hard", "soft"])
def test_detached_reset(layer, v_reset):
    torch.manual_seed(1)
    assert_equals_definition(LAYERS[layer](v_reset=v_reset, detach_reset=True), torch.randn(9, 5, 37) * 1.5 + 0.5)


@pytest.mark.parametrize("detach_reset", [False, True])
def test_delayed_reset(detach_reset):
    torch.manual_seed(2)
    x = torch.randn(9, 5, 37) * 1.5 + 0.5
    assert_equals_definition(LIFDelayed(beta=0.8, detach_reset=detach_reset), x)
    assert_equals_definition(LIFDelayed(beta=0.8, detach_reset=detach_reset), x, v=torch.randn(5, 37))


@pytest.mark.parametrize("layer", ONCE)
def test_one_spike(layer):
    """The mask is a second state: equal to the definition's, with its gradient if the definition has one."""
    torch.manual_seed(7)
    x = torch.randn(9, 5, 37) * 0.8
    node = ONCE[layer]()
    assert_equals_definition(node, x)
    assert_equals_definition(node, x, v=torch.randn(5, 37), fired=torch.randint(2, (5, 37)).float())
    node.reset()
    assert node(x).sum(0).max() == 1
    assert 0 < float(node.fired.detach().mean()) <= 1


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_one_spike_every_surrogate(surrogate):
    torch.manual_seed(8)
    assert_equals_definition(TTFS(surrogate=option("surrogate", surrogate), detach_mask=False), torch.randn(9, 5, 37))


@pytest.mark.parametrize("alpha", [0.7, 4.0])
@pytest.mark.parametrize("surrogate", SURROGATES)
def test_every_surrogate(surrogate, alpha):
    """For one step of IF the gradient is the slope, tested far from the threshold and exactly at it, too."""
    slope = option("surrogate", surrogate)
    slope.alpha = alpha
    node = IF(surrogate=slope)
    x = torch.cat([torch.linspace(-60, 60, 4001), torch.linspace(0, 2, 1001), torch.tensor([-1e30, 1e30])])[None]
    assert_equals_definition(node, x, weight=torch.ones_like(x))
    torch.manual_seed(2)
    assert_equals_definition(node, torch.randn(9, 5, 37))


def quiet(name: str) -> float:
    """The scale of an input for which this neuron does not fire at each step."""
    return 0.5 if name.startswith("ttfs") else 2.0


@pytest.mark.parametrize("name", MADE)
@example(steps=300, shape=[3, 5], scattered=False, seed=0)
@example(steps=1, shape=[], scattered=False, seed=0)
@example(steps=3, shape=[2, 0, 4], scattered=True, seed=0)
@example(steps=217, shape=[24], scattered=True, seed=1392)  # the gradient of KLIF's gain differs by 1.05e-6 of itself
@given(
    steps=st.integers(1, 300),
    shape=st.lists(st.integers(0, 40), max_size=3).filter(lambda shape: np.prod(shape) < 3000),
    scattered=st.booleans(),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=3)
def test_any_shape(name, steps, shape, scattered, seed):
    """Any number of steps, odd sizes, an empty batch, no batch dimension, and input that is not contiguous."""
    torch.manual_seed(seed)
    x = torch.randn(steps, *shape) + 0.5
    if scattered:
        x = torch.randn(*shape, 2, steps).movedim(-1, 0)[..., 1]
    assert_is_the_definition(MADE[name], x)


@pytest.mark.parametrize("name", MADE)
@given(cuts=st.lists(st.integers(1, 29), max_size=4, unique=True).map(sorted), seed=st.integers(0, 2**31))
@settings(max_examples=4)
def test_chunks_equal_whole(name, cuts, seed):
    """The state and its gradient are carried from chunk to chunk until the state is detached."""
    torch.manual_seed(seed)
    node = MADE[name]()
    x = torch.randn(30, 4, 11) * quiet(name)
    weight = torch.randn_like(x)
    results = []
    for pieces in ([x], torch.tensor_split(x, cuts)):
        node.reset()
        node.zero_grad()
        pieces = [piece.clone().requires_grad_() for piece in pieces]
        s = torch.cat([node(piece) for piece in pieces])
        states = [getattr(node, name) for name in node._memories]
        ((s * weight).sum() + sum(state.sum() for state in states)).backward()
        assert node.path == "numba"
        exact = [s.detach(), *(state.detach() for state in states)]
        results.append((exact, [torch.cat([piece.grad for piece in pieces]), *(p.grad.clone() for p in node.parameters())]))
    (exact1, close1), (exact2, close2) = results
    assert all(torch.equal(a, b) for a, b in zip(exact1, exact2, strict=True))
    torch.testing.assert_close(close1, close2, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", MADE)
def test_nan_and_infinity_affect_only_their_neuron(name, bad):
    torch.manual_seed(3)
    node = MADE[name]()
    last_bits = 0.0 if trace(node, 1).exact else 1e-5
    clean = torch.randn(7, 200)
    dirty = clean.clone()
    dirty[2, 77] = bad
    _, states, gradients = run(node, clean)
    _, bad_states, bad_gradients = run(node, dirty)
    others = torch.arange(200) != 77
    for a, b in zip([*states, gradients["x"]], [*bad_states, bad_gradients["x"]], strict=True):
        assert torch.equal(a[..., others], b[..., others])
    with definition_only():
        _, expected, _ = run(node, dirty)
    for a, b in zip(bad_states, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=last_bits, atol=last_bits, equal_nan=True)


@pytest.mark.parametrize("bad", [0.0, float("nan"), float("inf")])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", [name for name in MADE if not name.endswith("detached")])  # that changes no conversion
def test_low_precision_input_gives_the_same_spikes_in_its_type(name, dtype, bad):
    """The loop converts bfloat16 itself, and torch converts float16: spikes, states and gradients are those of float32."""
    found = []
    for narrow in (True, False):
        torch.manual_seed(9)
        node = MADE[name]()
        leaf = torch.randn(11, 5, 77).to(dtype).index_fill_(2, torch.tensor(70), bad).requires_grad_()
        s = node(leaf if narrow else leaf.float())
        weight = torch.randn(s.shape).to(dtype)
        ((s * weight).sum() + node.v.nan_to_num().sum()).backward()
        assert (node.path, s.dtype) == ("numba", dtype if narrow else torch.float32)
        found.append((s.detach().float(), node.v.detach(), leaf.grad, *(p.grad for p in node.parameters())))
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)


def test_the_potential_is_float32_for_low_precision_input():
    x = torch.randn(6, 3, 40).bfloat16().requires_grad_()
    node = LAYERS["lif"]()
    s = node(x)
    s.sum().backward()
    assert (node.path, s.dtype, node.v.dtype, x.grad.dtype) == ("numba", torch.bfloat16, torch.float32, torch.bfloat16)
    assert torch.equal(s.float(), LAYERS["lif"]()(x.detach().float()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_only_the_input_is_kept_for_backward(dtype):
    kept = []
    x = torch.randn(50, 8, 16, dtype=dtype, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        LIF()(x)
    assert any(t is x for t in kept)
    assert sum(t.untyped_storage().nbytes() for t in kept) < 1.1 * x.untyped_storage().nbytes()


def test_a_learned_initial_potential():
    """It is one number expanded to all neurons, so its gradient is the sum over them."""
    gradients = []
    x = torch.randn(6, 4, 9, generator=torch.Generator().manual_seed(6)) * 2
    for slow in (False, True):
        v = torch.tensor(0.3, requires_grad=True)
        node = LIF()
        node.v = v.expand(4, 9)
        if slow:
            with definition_only():
                node(x).sum().backward()
        else:
            node(x).sum().backward()
        gradients.append(v.grad)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_kernel_runs_on_its_definition_and_says_why(name):
    make, reason = REFUSED[name]
    node = make()
    node(torch.rand(4, 3, 37))
    assert node.path == "definition"
    assert re.fullmatch(reason, node.unfused)


class Compared(LIF):
    """It compares its potential with the threshold by itself, so that its spikes have no gradient."""

    def step(self, x, state):
        h = self.charge(x, state.v)
        s = (h >= self.v_threshold).float()
        return h, s, self.State(self.discharge(h, s))


@pytest.mark.parametrize("context", [nullcontext, definition_only])
def test_spikes_without_a_gradient_have_none_in_a_kernel_either(context):
    node, x = Compared(), torch.rand(4, 3, 37, requires_grad=True)
    with context():
        assert not node(2 * x).requires_grad
    assert node.path == ("numba" if context is nullcontext else "definition")


class Tabled(LIF):
    """It reads a number for each neuron, which is no learned parameter."""

    def __init__(self):
        super().__init__()
        self.table = torch.ones(2, 3)

    def charge(self, x, v):
        return super().charge(x * self.table, v)


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Tabled, r"it reads a tensor of shape \[2, 3\] that is no state"),
        (Absent, "its step returns a number where a tensor is expected"),
        (Shapely, r"it cannot be traced: RuntimeError: shape '\[37, 3\]' is invalid for input of size 6"),
    ],
)
def test_what_cannot_be_recorded_is_named(cls, reason):
    with pytest.raises(Untraceable, match=f"^{reason}$"):
        trace(cls(), 2)


def test_a_number_of_an_object_that_changes_gives_another_kernel():
    class Settings:
        gain = 1.0

    class Gained(LIF):
        def __init__(self):
            super().__init__()
            self.settings = Settings()

        def charge(self, x, v):
            return super().charge(self.settings.gain * x, v)

    node, x = Gained(), torch.rand(4, 7)
    for gain in (1.0, 5.0):
        node.settings.gain = gain
        assert_equals_definition(node, x)


def test_a_number_of_the_class_that_changes_gives_another_kernel():
    class Gained(LIF):
        gain = 1.0

        def charge(self, x, v):
            return super().charge(self.gain * x, v)

    node, x = Gained(), torch.rand(4, 7)
    for gain in (1.0, 5.0):
        Gained.gain = gain
        node.reset()
        found = node(x)
        assert node.path == "numba"
        with definition_only():
            node.reset()
            assert torch.equal(found, node(x))


def test_a_parameter_for_each_channel_has_no_kernel_and_computes_as_written():
    """Each channel is a LIF with the threshold of the channel."""
    torch.manual_seed(0)
    node, x = PerChannel(), torch.randn(5, 2, 3, 4, 4) * 2
    s = node(x)
    s.sum().backward()
    assert (node.path, node.unfused) == ("definition", "level is not one float32 number but [3, 1, 1] in float32")
    for channel, level in enumerate((0.5, 1.0, 1.5)):
        assert torch.equal(s[:, :, channel], LIF(v_threshold=level)(x[:, :, channel]))
    assert node.level.grad.ne(0).all()


@pytest.mark.parametrize(
    ("node", "x", "reason"),
    [
        (LIF(), torch.rand(4, 3).double(), "the state is float64, and kernels compute in float32"),
        (PLIF().double(), torch.rand(4, 3), r"w is not one float32 number but \[\] in float64"),
        (Choosing(), torch.rand(4), "it branches on values, or turns them into numbers"),
    ],
    ids=["float64-input", "float64-parameter", "branch"],
)
def test_an_input_without_a_kernel(node, x, reason):
    node(x)
    assert node.path == "definition"
    assert re.fullmatch(reason, node.unfused)


def test_a_surrogate_that_does_not_spike():
    """It gives the values of the surrogate's primitive, with its gradient."""
    node, x = LIF(surrogate=sg.ATan(spiking=False)), torch.randn(5, 7)
    s = node(x)
    with definition_only():
        node.reset()
        torch.testing.assert_close(node(x), s)


def test_a_changed_attribute_changes_the_kernel():
    node, x = LIF(tau=2.3), torch.randn(6, 40)
    for name, value in (("tau", 3.7), ("v_threshold", 0.4), ("v_reset", None), ("detach_reset", True)):
        setattr(node, name, value)
        assert_equals_definition(node, x)
    node.surrogate_function.alpha = 5.0
    assert_equals_definition(node, x)


def kernel_of(node: Node) -> Kernel:
    return layer_of(node, torch.device("cpu"), 1, torch.float32).backend.kernel


def test_other_numbers_need_no_other_kernel():
    """Only a time constant that is a power of two has a kernel without a division."""
    kernels = {kernel_of(LIF(tau=tau, v_threshold=at)) for tau, at in ((3, 1), (2.5, 0.7))}
    assert len(kernels) == 1


def test_tracing_draws_no_random_numbers():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    with pytest.raises(Untraceable, match="random"):
        trace(Noisy(), 2)
    trace(LIF(tau=9.7), 2)
    assert torch.equal(torch.get_rng_state(), before)


def test_transforms_of_torch_use_the_definition():
    x = torch.rand(4, 3) * 2
    node = LIF()
    gradient = torch.func.grad(lambda x: node(x).sum())(x)
    assert node.path == "definition"
    torch.testing.assert_close(gradient, run(LIF(), x, weight=torch.ones_like(x))[2]["x"] - _of_last_state(x))


def _of_last_state(x):
    """The term of the last state in the loss of `run`."""
    return run(LIF(), x, weight=torch.zeros_like(x))[2]["x"]


class Watching(TorchDispatchMode):
    def __torch_dispatch__(self, operation, types, arguments=(), keywords=None):
        return operation(*arguments, **(keywords or {}))


def test_a_counter_of_operations_sees_those_of_the_definition():
    node = LIF()
    with Watching():
        node(torch.rand(4, 3))
    assert node.path == "definition"


def test_a_second_derivative_is_rejected():
    x = torch.rand(4, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"MultiStep: create_graph must be False, .*; got True; run .*definition_only\(\)"):
        torch.autograd.grad(LIF()(x).sum(), x, create_graph=True)
    with definition_only():
        (gradient,) = torch.autograd.grad(LIF()(x).sum(), x, create_graph=True)
    gradient.sum().backward()


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def big():
    return torch.randn(8, 64, 300, generator=torch.Generator().manual_seed(4))


def test_it_uses_as_many_threads_as_torch(two_threads):
    """Gradients are exactly equal, since the sum over blocks does not depend on which thread computed which block."""
    results = []
    for threads in (1, 2, 2):
        torch.set_num_threads(threads)
        results.append(run(PLIF(), big()))
    assert_equals_definition(PLIF(), big())
    (_, s1, g1), (_, s2, g2), (_, s3, g3) = results
    assert all(torch.equal(a, b) for a, b in zip(s1, s2, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(s2, s3, strict=True))
    assert torch.equal(g1["x"], g2["x"])
    assert torch.equal(g2["w"], g3["w"])


def test_it_can_be_called_from_several_threads(two_threads):
    expected = run(LIF(), big())[1][0]
    with ThreadPoolExecutor(4) as pool:
        for path, (s, _, _), _ in pool.map(lambda _: run(LIF(), big()), range(12)):
            assert path == "numba"
            assert torch.equal(s, expected)


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_it_works_in_a_child_process(method):
    """After a fork OpenMP's threads are gone, and waiting for them would never end. The parent is a new interpreter, because
    the one that runs the tests has threads of other libraries, after which no fork is safe."""
    here = Path(__file__).parent
    subprocess.run([sys.executable, "-W", "ignore", here / "in_a_child.py", method], check=True, timeout=120)


def test_a_second_process_does_not_compile():
    """It finds the loops in numba's cache on disk, since the functions in their closures have their text's hash as name."""
    LIF()(torch.rand(2, 3, requires_grad=True)).sum().backward()
    code = (
        "import torch; from snnx.neuron.lif import LIF; from snnx.neuron.kernel.find import layer_of;"
        "from snnx.neuron.kernel.forward import forward; from snnx.neuron.kernel.backward import backward;"
        "from snnx.neuron.kernel.values import WIDE, as_it_is;"
        "kernel = layer_of(LIF(), torch.device('cpu'), 1, torch.float32).backend.kernel;"
        "print(forward(kernel, False, WIDE, as_it_is, None).cache_hits, backward(kernel, WIDE, as_it_is, None).cache_hits)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1"]


def test_it_compiles_without_a_cache():
    scope = {}
    exec("def loop(job):\n    pass", scope)  # without a source file, numba cannot cache it
    assert compiled(scope["loop"]).address


def of_each(function):
    @njit(error_model="numpy")
    def all_of(y):
        result = np.empty_like(y)
        for i in range(len(y)):
            result[i] = function(y[i])
        return result

    return all_of


def test_exponential():
    all_of = of_each(vector_exp)
    y = np.linspace(-87, 88, 1_000_001, dtype=np.float32)
    true = np.exp(y.astype(np.float64))
    assert np.max(np.abs(all_of(y) - true) / true) < 2e-7
    one, least, most, nan = all_of(np.float32([0, -np.inf, np.inf, np.nan]))
    assert (one, least, most) == (1, 0, np.inf)
    assert np.isnan(nan)
    small = np.linspace(-103, -87, 1001, dtype=np.float32)
    assert np.allclose(all_of(small), np.exp(small.astype(np.float64)), rtol=0, atol=2e-45)


def test_hyperbolic_tangent():
    all_of = of_each(vector_tanh)
    y = np.linspace(-12, 12, 1_000_000, dtype=np.float32)  # no point is 0
    true = np.tanh(y.astype(np.float64))
    assert np.max(np.abs(all_of(y) / true - 1)) < 3e-7
    zero, least, most, nan, tiny = all_of(np.float32([0, -np.inf, np.inf, np.nan, 1e-30]))
    assert (zero, least, most, tiny) == (0, -1, 1, np.float32(1e-30))
    assert np.isnan(nan)


@pytest.mark.parametrize("kind", RULES)
def test_a_rule_does_not_jump(kind):
    """With an `if` in its loop, backward computes one value at a time; without one, several at once. So a rule has no `if`.

    The rule of softplus may have one, since it calls log1p of the C library, which takes one value at a time in any case.
    """
    assert " if " not in RULES[kind] or kind == "softplus"

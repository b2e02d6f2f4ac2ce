"""The Triton kernels of CUDA, on a machine without a GPU: they compile for it, and Triton's interpreter computes them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from neurons import (
    GRADIENT_DIFFERENCE,
    ON_A_GPU,
    OTHER_SPIKES,
    POTENTIAL_DIFFERENCE,
    TAKEN,
    TRACED,
    differences,
    norm_of,
    normed_run,
    option,
    run,
)
from own_neurons import OWN

from snnx.neuron.kernel import find
from snnx.neuron.kernel.cuda import works
from snnx.neuron.kernel.cuda.render import module_of, render
from snnx.neuron.kernel.cuda.rules import IN_GRADIENTS, RULES
from snnx.neuron.kernel.cuda.triton_backend import TritonBackend
from snnx.neuron.kernel.cuda.works import trouble
from snnx.neuron.kernel.find import definition_only
from snnx.neuron.kernel.rules import RULES as CPU_RULES
from snnx.neuron.kernel.trace import trace
from snnx.neuron.lif import LIF
from snnx.neuron.node import Taken
from snnx.neuron.plif import PLIF
from snnx.norm.batch import Batch

triton = pytest.importorskip("triton", reason="Triton is not installed")
compiler = pytest.importorskip("triton.backends.compiler", reason="this Triton cannot compile ahead of time")

HERE = Path(__file__).parent
INTEGERS = ("steps", "neurons", "x_step", "addend_step", "gs_step", "channels", "inner")
FIXED = {"SAME": False, "SEGMENT": 8, "EVEN": False, "BLOCK": 512, "addend": None, "scale": None, "shift": None}
SOME = (
    "trivial or trial_of or option_of_conf[plif] or any_number_of_steps[9] or arrangement or operator_of "
    "or (low_precision and (lif_capped or tssl or cuba)) or (largest_difference and (lif-tdbn or plif-batch)) "
    "or (one_rounding and lif-batch)"
)
NEURONS = {**{name: lambda name=name: option("neuron", name) for name in TRACED}, **OWN}


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [SOME, pytest.param("", marks=pytest.mark.triton)], ids=["some", "all"])
def test_triton_equals_the_definition_in_its_interpreter(chosen):
    """`interpreted.py` and `interpreted_norm.py` have the tests."""
    files = [str(HERE / name) for name in ("interpreted.py", "interpreted_norm.py")]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", chosen, *files]
    path = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    done = subprocess.run(command, cwd=HERE.parent.parent, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert re.search(rf"^[.]{{{5 if chosen else 50}}}", done.stdout, re.MULTILINE)  # they ran, and were not skipped


def compile_ahead(name: str, loop: str, capability: int, dtype: str, fixed: dict[str, object]):
    """Compile one loop of a neuron for a GPU that is not there."""
    function = getattr(module_of(render(trace(NEURONS[name](), 2)).text), loop)
    signature, known = {}, {}
    for argument in function.arg_names:
        if argument in fixed:
            signature[argument], known[argument] = "constexpr", fixed[argument]
        elif argument in INTEGERS:
            signature[argument] = "i32"
        elif re.fullmatch(r"n\d+", argument):
            signature[argument] = "fp32"
        else:
            signature[argument] = f"*{dtype if argument in ('x', 'addend', 's', 'gs', 'gx') else 'fp32'}"
    source = triton.compiler.ASTSource(fn=function, signature=signature, constexprs=known)
    target = compiler.GPUTarget("cuda", capability, 32)
    return triton.compile(source, target=target, options={"num_warps": 4, "enable_fp_fusion": False})


@pytest.mark.slow
@pytest.mark.parametrize("capability", [90, *(pytest.param(other, marks=pytest.mark.triton) for other in (80, 100))])
@pytest.mark.parametrize("loop", ["forward", "backward"])
@pytest.mark.parametrize("name", NEURONS)
def test_every_neuron_compiles_ahead_of_time(name, loop, capability):
    """The compiler rejects what the interpreter lets pass, such as a value that changes its type in a loop."""
    made = compile_ahead(name, loop, capability, "fp32", FIXED)
    assert made.asm["cubin"]
    assert "fma.rn" not in made.asm["ptx"]  # a fused product and sum would be rounded once instead of twice


@pytest.mark.parametrize("capability", [80, 90, 100])
@pytest.mark.parametrize("dtype", ["fp32", "bf16", "fp16"])
def test_each_generation_and_type_compiles(dtype, capability):
    """With a norm and a shortcut. The norm's product and sum are rounded once, so the compiler must fuse them."""
    absent = dict.fromkeys(["h", "threshold", "kept0", "kept1", "grad_first0", "grad_first1", "grad_last0", "grad_last1"])
    for loop, without in (("forward", absent), ("backward", {**absent, "kept0": "", "kept1": ""})):
        without = {name: value for name, value in without.items() if value is None}
        fixed = {"SAME": True, "SEGMENT": 4, "EVEN": True, "BLOCK": 128, **without}
        made = compile_ahead("learned", loop, capability, dtype, fixed)
        assert f"sm_{capability}" in made.asm["ptx"]
        assert "fma.rn" in made.asm["ptx"]


def test_both_languages_have_the_same_rules():
    assert RULES.keys() == CPU_RULES.keys()
    assert IN_GRADIENTS.keys() < RULES.keys()


def test_other_numbers_need_no_other_kernel():
    assert len({render(trace(LIF(tau=tau, v_threshold=at), 2)).text for tau, at in ((3, 1), (2.5, 0.7))}) == 1


def test_without_a_gpu_triton_says_that_it_does_not_work():
    """Here a CPU stands for a device on which Triton cannot run."""
    trouble.cache_clear()
    with pytest.warns(UserWarning, match=r"^Triton does not work on cpu \(.+\); neurons run step by step there"):
        reason = trouble(torch.device("cpu"))
    assert re.fullmatch(r"Triton does not work on cpu \(.+\)", reason)
    assert trouble(torch.device("cpu")) == reason  # without another warning


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Failed to find C compiler. Please specify via CC environment variable.\nmore"),
        RuntimeError("The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver"),
        ModuleNotFoundError("No module named 'triton'"),
    ],
)
def test_what_is_missing_is_named_in_one_line(monkeypatch, error):
    def fails(text):
        raise error

    monkeypatch.setattr(works, "module_of", fails)
    trouble.cache_clear()
    with pytest.warns(UserWarning, match="^Triton does not work on cpu"):
        reason = trouble(torch.device("cpu"))
    trouble.cache_clear()
    assert reason == f"Triton does not work on cpu ({type(error).__name__}: {str(error).splitlines()[0]})"


def test_a_full_card_says_nothing_about_triton(monkeypatch):
    """A run that finds the card full fails. The next run tests Triton again."""

    def full(text):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB")

    monkeypatch.setattr(works, "module_of", full)
    trouble.cache_clear()
    with pytest.raises(torch.OutOfMemoryError):
        trouble(torch.device("cpu"))
    assert trouble.cache_info().currsize == 0


def test_a_neuron_whose_kernel_does_not_compile_runs_on_its_definition(monkeypatch):
    """Here a CPU stands for a GPU on which a kernel does not compile, though others do."""
    monkeypatch.setitem(find.BACKENDS, "cpu", TritonBackend)
    monkeypatch.setattr(find, "LAYERS", {})
    torch.manual_seed(0)
    x, results = torch.randn(9, 2, 3, 4, 4), []
    for slow in (False, True):
        norm, node = Batch(3), PLIF(tau=2.3)
        norm.taken, node.norm = True, Taken(norm, 2, None)
        told = definition_only() if slow else pytest.warns(UserWarning, match=r"^PLIF runs step by step, .* on cpu \(.+\)$")
        with told:
            s = node(norm(x))
        node.reset()
        s = s + node(norm(x))  # without another warning
        s.sum().backward()
        results.append([s, node.w.grad, norm.weight.grad, norm.running_mean, norm.num_batches_tracked])
        assert slow or node.unfused.startswith("its kernel does not compile on cpu (")
    assert all(map(torch.equal, *results))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")
@pytest.mark.parametrize("name", NEURONS)
def test_a_gpu_equals_the_definition_on_a_cpu(name):
    torch.manual_seed(0)
    x = torch.randn(19, 5, 37) * 1.5 + 0.5
    path, states, gradients = run(NEURONS[name]().cuda(), x.cuda())
    with definition_only():
        _, expected_states, expected = run(NEURONS[name](), x)
    assert path == "triton"
    last_bits = 0.0 if trace(NEURONS[name](), 2).exact else 1e-5
    for state, wanted in zip(states, expected_states, strict=True):
        torch.testing.assert_close(state.cpu(), wanted, rtol=last_bits, atol=last_bits)
    for key, gradient in gradients.items():
        scale = max(1.0, float(expected[key].abs().max()), x.numel() ** 0.5 if gradient.numel() == 1 else 0.0)
        torch.testing.assert_close(gradient.cpu(), expected[key], rtol=0, atol=max(1e-6, last_bits) * scale)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")
@pytest.mark.parametrize("norm", TAKEN)
@pytest.mark.parametrize("name", TRACED)
def test_a_norm_and_neurons_on_a_gpu_are_close_to_the_definitions_on_a_cpu(name, norm):
    """Mean and variance are summed in another order there, so the bounds are wider than those of the interpreter."""
    torch.manual_seed(7)
    x = torch.randn(11, 8, 16, 8, 8) * 1.5 + 0.3
    one_norm, node = norm_of(norm, 16).cuda(), option("neuron", name).cuda()
    one_norm.taken, node.norm = True, Taken(one_norm, 2, None)
    one = normed_run(one_norm, node, x.cuda())
    with definition_only():
        two = normed_run(norm_of(norm, 16), option("neuron", name), x)
    assert one.path == "triton"
    found = differences(one, two)
    assert found.spikes <= ON_A_GPU * OTHER_SPIKES
    assert found.potential <= ON_A_GPU * POTENTIAL_DIFFERENCE
    assert found.spikes or found.gradient <= ON_A_GPU * GRADIENT_DIFFERENCE  # another spike has another gradient


@pytest.mark.parametrize("name", ["halved", "plif"])
def test_the_forward_pass_divides_as_torch_does(name):
    """Triton's `/` may be off in the last bit, which moves spikes; in the machine code, `div.rn` is the exact one."""
    made = compile_ahead(name, "forward", 80, "fp32", FIXED)
    divisions = re.findall(r"div\.\w+(?:\.\w+)*", made.asm["ptx"])
    assert all(division.startswith("div.rn") for division in divisions), divisions
    assert bool(divisions) == (name == "halved"), "PLIF multiplies"

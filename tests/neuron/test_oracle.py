"""Every neuron of conf/neuron that SpikingJelly also has equals SpikingJelly's node: the same spikes, gradients within 1e-6."""

from functools import cache, partial
from inspect import signature
from itertools import product
from pathlib import Path

import pytest
import torch
from composing import composed
from composing import option as built
from hydra.utils import get_object
from spikingjelly.activation_based import neuron as sj
from torch import nn

from snnx.neuron.if_ import IF
from snnx.neuron.kernel.find import definition_only
from snnx.neuron.klif import KLIF
from snnx.neuron.lif import LIF
from snnx.neuron.node import Node
from snnx.neuron.plif import PLIF
from snnx.options.files import files
from snnx.surrogate.fast_sigmoid import FastSigmoid

THEIRS = {"PLIF": "ParametricLIFNode"}
"""SpikingJelly's names of neurons that are not ours with `Node` at the end."""
RENAMED = {"ParametricLIFNode": {"tau": "init_tau"}}
"""Arguments that SpikingJelly's node calls otherwise."""
WITHOUT_ORACLE = {
    "lif_delayed": (
        "test_lif_delayed.py",
        "SpikingJelly has no reset that takes place one step late; compared with the paper's Eq 1",
    ),
    "ttfs": (
        "test_ttfs.py",
        "SpikingJelly has no neuron that fires at most once; compared with the first crossing of the threshold",
    ),
    "lif_learned": ("test_published.py", "SpikingJelly has no learned threshold of this kind; compared with its authors' code"),
    "stdb": ("test_published.py", "SpikingJelly has no neuron that fires one step late; compared with its authors' code"),
    "lif_capped": ("test_published.py", "SpikingJelly has no reset to the threshold; compared with its authors' code"),
    "tssl": ("test_published.py", "SpikingJelly has no backward through the times of spikes; compared with its authors' code"),
    "clif": ("test_published.py", "SpikingJelly's ComplementaryLIFNode has no reset to choose; compared with its equation"),
    "glif": ("test_published.py", "SpikingJelly's GatedLIFNode takes images only; compared with its equation"),
    "ilif": ("test_published.py", "it is SpikingJelly's own node, whose slope is fixed; compared with its equation"),
    "psn": ("test_published.py", "it is SpikingJelly's own node, which has no reset; compared with its equation"),
    "relu": ("test_oracle.py", "it is torch's own module and does not spike"),
    "relu_quantised": ("test_relu_quantised.py", "it does not spike; compared with torch's rounding of a clamp"),
}
"""Options of conf/neuron that SpikingJelly does not have, with the test that takes the oracle's place, and the reason."""


@cache
def given(option: str) -> tuple[type[nn.Module], dict]:
    """The class of an option, and the arguments in its YAML."""
    config = composed(f"neuron={option}").config["neuron"]
    return get_object(config["_target_"]), {name: value for name, value in config.items() if not name.startswith("_")}


def theirs(kind: type[nn.Module]) -> type[nn.Module] | None:
    """SpikingJelly's node of the same equation; None if there is none, or if the option itself is SpikingJelly's node."""
    found = getattr(sj, THEIRS.get(kind.__name__, f"{kind.__name__}Node"), None)
    return None if found is None or issubclass(kind, found) else found


@pytest.mark.parametrize("option", files("neuron"))
def test_every_option_has_an_oracle_or_a_test_in_its_place(option):
    kind, _ = given(option)
    assert (theirs(kind) is not None) == (option not in WITHOUT_ORACLE)
    if option in WITHOUT_ORACLE:
        file, _ = WITHOUT_ORACLE[option]
        assert kind.__name__ in (Path(__file__).parent / file).read_text(encoding="utf-8") or not issubclass(kind, Node)


def test_no_reason_is_left_of_an_option_that_is_gone():
    assert set(WITHOUT_ORACLE) <= set(files("neuron"))


def pairs(option: str, **reset):
    """Ours and SpikingJelly's, for every combination of the option's arguments that are true or false."""
    kind, arguments = given(option)
    other = theirs(kind)
    names = RENAMED.get(other.__name__, {})
    known = {name for name in arguments if names.get(name, name) in signature(other).parameters} - set(reset)
    switches = sorted(name for name in known if isinstance(arguments[name], bool))
    for values in product((True, False), repeat=len(switches)):
        chosen = arguments | dict(zip(switches, values, strict=True)) | reset
        make = partial(other, **{names.get(name, name): chosen[name] for name in known | set(reset)}, step_mode="m")
        yield partial(kind, **chosen), make


@pytest.mark.parametrize("v_reset", [0.0, -0.25, None], ids=["hard", "hard-0.25", "soft"])
@pytest.mark.parametrize("surrogate", files("surrogate"))
@pytest.mark.parametrize("option", sorted(set(files("neuron")) - set(WITHOUT_ORACLE)))
def test_equals_spikingjelly(option, surrogate, v_reset):
    torch.manual_seed(0)
    slope = built("surrogate", surrogate)
    for ours, oracle in pairs(option, v_reset=v_reset):
        x = torch.randn(12, 3, 7) * 1.5 + 0.5
        weight = torch.randn_like(x)
        results = []
        for node in (ours(surrogate=slope), oracle(surrogate_function=slope)):
            leaf = x.clone().requires_grad_()
            with definition_only():  # test_kernel.py compares the kernels with the definition
                spikes = node(leaf)
            (spikes * weight).sum().backward()
            results.append((spikes.detach(), leaf.grad, [p.grad for p in node.parameters()], node.v.detach()))
        (s1, g1, p1, v1), (s2, g2, p2, v2) = results
        assert 0 < s1.mean() < 1  # otherwise the comparison would show nothing
        assert torch.equal(s1, s2)
        torch.testing.assert_close(g1, g2, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(v1, v2, rtol=1e-5, atol=1e-6)
        assert len(p1) == len(p2)
        for a, b in zip(p1, p2, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("option", files("neuron"))
def test_the_state_is_not_saved(option):
    neuron = built("neuron", option)()
    neuron(torch.rand(4, 2, 5))
    assert set(neuron.state_dict()) == {name for name, _ in neuron.named_parameters()}


def test_the_probe_gets_the_potential_before_the_reset():
    seen = []
    node = LIF(tau=2)
    node.probe = lambda h, s: seen.append((h, s))
    node(torch.full((4, 1), 1.5, requires_grad=True))
    ((h, s),) = seen
    assert h.squeeze().tolist() == [0.75, 1.125, 0.75, 1.125]
    assert s.squeeze().tolist() == [0, 1, 0, 1]
    assert not h.requires_grad
    assert not s.requires_grad


def test_klif_potential_is_never_negative():
    node = KLIF()
    node.probe = lambda h, s: torch.testing.assert_close(h.clamp(min=0), h)
    node(torch.randn(10, 100))


def test_klif_before_charge_equals_the_printed_equation():
    """Eq 5 by hand with tau = 2, k = 2, no input decay and x = (0.5, -1): v = 0.5, then h = 1 - 0.5 - 1 = -0.5."""
    seen = []
    node = KLIF(tau=2, k=2, klif_form="before_charge", decay_input=False)
    node.probe = lambda h, s: seen.extend(h.flatten().tolist())
    node(torch.tensor([[0.5], [-1.0]]))
    assert seen == [0.5, -0.5]


def test_the_potential_stays_float32_for_bfloat16_input():
    x = torch.rand(6, 3, 4)
    low = LIF()
    spikes = low(x.bfloat16())
    assert spikes.dtype == torch.bfloat16
    assert low.v.dtype == torch.float32
    assert torch.equal(spikes.float(), LIF()(x.bfloat16().float()))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LIF(tau=1), r"LIF: tau must be greater than 1 \(in time steps\) and finite; got 1"),
        (lambda: PLIF(tau=0.5), r"PLIF: tau must be greater than 1"),
        (lambda: LIF(tau=float("inf")), r"LIF: tau must be greater than 1 \(in time steps\) and finite; got inf"),
        (lambda: IF(v_threshold=0), r"IF: v_threshold must be positive and finite; got 0.0"),
        (lambda: IF(v_threshold=float("inf")), r"IF: v_threshold must be positive and finite; got inf"),
        (lambda: KLIF(v_reset=2), r"KLIF: v_reset must be below v_threshold = 1.0, or null; got 2.0"),
        (lambda: KLIF(klif_form="x"), r"KLIF: klif_form must be one of after_charge, before_charge; got x"),
        (lambda: KLIF(klif_form="before_charge", scale_reset=True), r"KLIF: scale_reset must be false"),
        (lambda: FastSigmoid(alpha=0), r"FastSigmoid: alpha must be positive; got 0"),
    ],
)
def test_bad_values(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rate_identity(dtype):
    """Soft reset, z = 0.375, threshold 1, T = 100: 37 spikes leave V_T = 0.5, and the rate is exactly z - V_T/T = 0.37."""
    neuron = IF(v_reset=None)
    spikes = neuron(torch.full((100, 1), 0.375, dtype=dtype))
    assert (int(spikes.sum()), neuron.v.item()) == (37, 0.5)
    assert 0.375 - neuron.v.item() / 100 == pytest.approx(0.37, abs=1e-12)
    assert neuron.v.dtype == dtype


def test_integers_become_floats():
    assert LIF(tau=4, v_threshold=1, v_reset=0).tau == 4.0

"""Each neuron against SpikingJelly's own node: the same spikes, gradients within 1e-6."""

import pytest
import torch
from spikingjelly.activation_based import neuron as sj
from spikingjelly.activation_based import surrogate as sg

from snnx.neuron.if_ import IF
from snnx.neuron.kernel.find import definition_only
from snnx.neuron.klif import KLIF
from snnx.neuron.lif import LIF
from snnx.neuron.plif import PLIF
from snnx.surrogate.fast_sigmoid import FastSigmoid

SURROGATES = [sg.ATan(), sg.Sigmoid(), sg.SoftSign(), sg.PiecewiseQuadratic(), sg.Rect(), FastSigmoid()]


def pairs(surrogate, v_reset, detach_reset):
    ours = {"v_reset": v_reset, "detach_reset": detach_reset, "surrogate": surrogate}
    theirs = {"v_reset": v_reset, "detach_reset": detach_reset, "surrogate_function": surrogate, "step_mode": "m"}
    yield IF(**ours), sj.IFNode(**theirs)
    for decay in (True, False):
        yield LIF(tau=2.5, decay_input=decay, **ours), sj.LIFNode(tau=2.5, decay_input=decay, **theirs)
        yield PLIF(tau=2.5, decay_input=decay, **ours), sj.ParametricLIFNode(init_tau=2.5, decay_input=decay, **theirs)
        for scale in (True, False):
            klif = KLIF(tau=2.5, decay_input=decay, scale_reset=scale, **ours)
            yield klif, sj.KLIFNode(tau=2.5, decay_input=decay, scale_reset=scale, **theirs)


@pytest.mark.parametrize("detach_reset", [False, True], ids=["attached", "detached"])
@pytest.mark.parametrize("v_reset", [0.0, -0.25, None], ids=["hard", "hard-0.25", "soft"])
@pytest.mark.parametrize("surrogate", SURROGATES, ids=lambda s: type(s).__name__)
def test_equals_spikingjelly(surrogate, v_reset, detach_reset):
    torch.manual_seed(0)
    for ours, theirs in pairs(surrogate, v_reset, detach_reset):
        x = torch.randn(12, 3, 7) * 1.5 + 0.5
        weight = torch.randn_like(x)
        results = []
        for node in (ours, theirs):
            leaf = x.clone().requires_grad_()
            with definition_only():  # the kernels are held against it in test_kernel.py
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


@pytest.mark.parametrize("node", [IF(), LIF(), PLIF(), KLIF()], ids=lambda n: type(n).__name__)
def test_state_is_carried_and_reset(node):
    x = torch.rand(20, 2, 5)
    whole = node(x)
    node.reset()
    chunks = torch.cat([node(x[:7]), node(x[7:8]), node(x[8:])])
    assert torch.equal(whole, chunks)
    node.reset()
    assert torch.equal(node(x), whole)
    assert "v" not in node.state_dict()


@pytest.mark.parametrize("node", [IF(), LIF(), PLIF(), KLIF()], ids=lambda n: type(n).__name__)
def test_causality(node):
    """Changing the input at step t changes no spike before t."""
    torch.manual_seed(1)
    x = torch.rand(10, 4) * 2
    before = node(x)
    node.reset()
    x[6:] += 1.0
    assert torch.equal(node(x)[:6], before[:6])


def test_probe_reads_potential_before_reset():
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


def test_klif_before_charge_is_the_printed_equation():
    """Eq 5 read literally, by hand: tau = 2, k = 2, no input decay, x = 0.5 then -1: v = 0.5, then h = 1 - 0.5 - 1."""
    seen = []
    node = KLIF(tau=2, k=2, klif_form="before_charge", decay_input=False)
    node.probe = lambda h, s: seen.extend(h.flatten().tolist())
    node(torch.tensor([[0.5], [-1.0]]))
    assert seen == [0.5, -0.5]


def test_membrane_stays_float32_under_bfloat16():
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
    """z = 0.375, threshold 1, T = 100, soft reset: 37 spikes leave 0.5, and z - V_T/T = 0.37 is the rate, exactly."""
    neuron = IF(v_reset=None)
    spikes = neuron(torch.full((100, 1), 0.375, dtype=dtype))
    assert (int(spikes.sum()), neuron.v.item()) == (37, 0.5)
    assert 0.375 - neuron.v.item() / 100 == pytest.approx(0.37, abs=1e-12)
    assert neuron.v.dtype == dtype


def test_integers_from_the_command_line():
    assert LIF(tau=4, v_threshold=1, v_reset=0).tau == 4.0

"""NSAD: its table and gradients equal the equations, and before training it is a threshold."""

from math import log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spikingjelly.activation_based.surrogate import ATan

from snnx.attention.nsad import NSAD


def by_definition(denoiser, scores):
    """The equations for each score, differentiated by autograd except for rounding and clamp."""
    u, a1, a2, a3, b2, b3, c3 = (getattr(denoiser, name).view(-1, 1, 1) for name in ("u", "a1", "a2", "a3", "b2", "b3", "c3"))
    g = a1 * scores + a2 * (scores - b2) ** 2 + a3 * torch.sigmoid(c3 * (scores - b3))
    f = g * ATan()(scores.detach() - u)
    clamped = torch.where((f >= 0) & (f <= denoiser.v_max), f, f.detach().clamp(0, denoiser.v_max))
    return clamped + (clamped.round() - clamped).detach()


def shaped(seed, heads=2, width=12):
    """A denoiser whose curve goes below 0 and above v_max, so that both ends of the clamp are used."""
    torch.manual_seed(seed)
    denoiser = NSAD(heads, width, threshold=2)
    with torch.no_grad():
        denoiser.u.copy_(torch.rand(heads) * 6)
        denoiser.a1.copy_(torch.randn(heads))
        denoiser.a2.copy_(torch.randn(heads) / 4)
        denoiser.a3.copy_(torch.randn(heads) * 6)
        denoiser.b2.copy_(torch.rand(heads) * 8)
        denoiser.b3.copy_(torch.rand(heads) * 8)
    return denoiser


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000))
def test_table_and_gradients_equal_the_equations(seed):
    denoiser = shaped(seed)
    scores = torch.arange(13.0).expand(3, 2, 5, 13).clone().requires_grad_()
    twin = scores.detach().clone().requires_grad_()
    weight = torch.randn(scores.shape)
    parameters = list(denoiser.parameters())
    out, expected = denoiser(scores), by_definition(denoiser, twin)
    assert torch.equal(out, expected)
    assert torch.equal(out[0, :, 0].int(), denoiser.table())
    found = torch.autograd.grad((out * weight).sum(), [scores, *parameters])
    wanted = torch.autograd.grad((expected * weight).sum(), [twin, *parameters])
    for name, a, b in zip(["scores", *dict(denoiser.named_parameters())], found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-3, msg=lambda m, name=name: f"{name}: {m}")


def test_golden():
    """Threshold 2, scores 0 to 32: 0 and 1 become 0; d(sum)/du = sum of -v * surrogate'(v - 2) = -2.791816 with ArcTan(2)."""
    denoiser = NSAD(1, 32)
    scores = torch.arange(33.0).view(1, 1, 33).requires_grad_()
    out = denoiser(scores)
    out.sum().backward()
    assert out.flatten().tolist() == [0.0, 0.0, *range(2, 33)]
    assert denoiser.u.grad.item() == pytest.approx(-2.791816, abs=1e-5)
    assert scores.grad.flatten().tolist() == [0.0, 0.0, *[1.0] * 31]


def test_parameter_gradients_are_summed_in_float32_for_bfloat16_scores():
    """Each is a sum of thousands of terms, which the 8 bits of bfloat16 cannot hold."""
    denoiser = shaped(0)
    scores = torch.randint(13, (6, 2, 20, 20)).float()
    weight = torch.randint(-3, 4, scores.shape).float()  # exact in bfloat16
    found = []
    for dtype in (torch.float32, torch.bfloat16):
        out = denoiser(scores.to(dtype))
        assert out.dtype == dtype
        found.append(torch.autograd.grad((out * weight.to(dtype)).float().sum(), list(denoiser.parameters())))
    for name, a, b in zip(dict(denoiser.named_parameters()), *found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-4, msg=lambda m, name=name: f"{name}: {m}")


def test_a_threshold_of_zero_changes_nothing():
    denoiser, scores = NSAD(2, 8, threshold=0), torch.randint(9, (3, 2, 4, 4)).float()
    assert torch.equal(denoiser(scores), scores)


def test_each_head_has_its_own_table():
    denoiser = NSAD(3, 4, threshold=0)
    with torch.no_grad():
        denoiser.u.copy_(torch.tensor([0.0, 2.0, 5.0]))
    assert denoiser.table().tolist() == [[0, 1, 2, 3, 4], [0, 0, 2, 3, 4], [0, 0, 0, 0, 0]]


def test_a_fixed_threshold_gets_no_gradient():
    denoiser = NSAD(2, 4, learn_threshold=False)
    denoiser(torch.full((1, 2, 3, 3), 3.0)).sum().backward()
    assert denoiser.u.grad is None
    assert denoiser.a1.grad.tolist() == [27.0, 27.0]


def test_seven_parameters_per_head():
    assert sum(p.numel() for p in NSAD(12, 32).parameters()) == 7 * 12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"v_max": 31}, "NSAD: v_max must be at least 32, the width of a head and so the largest score; got 31"),
        ({"threshold": -1}, "NSAD: threshold must be at least 0; got -1"),
    ],
)
def test_wrong_arguments_are_rejected(arguments, message):
    with pytest.raises(ValueError, match=message):
        NSAD(12, 32, **arguments)


def test_a_threshold_of_two_nearly_gives_the_zeros_of_table_3():
    """Scores that are Poisson with the zeros of Table 3 without a denoiser: those below 2 are P(0) (1 - ln P(0)).

    The paper states a threshold for event data only; on CIFAR-100 its zeros with a denoiser are within 0.8 points of this.
    """
    pairs = [(0.7426, 0.9699), (0.7682, 0.9782), (0.7898, 0.9814), (0.8264, 0.9859)]
    below_two = [zero * (1 - log(zero)) for zero, _ in pairs]
    assert [round(share, 3) for share in below_two] == [0.964, 0.971, 0.976, 0.984]
    assert all(0 < printed - share < 0.008 for share, (_, printed) in zip(below_two, pairs, strict=True))

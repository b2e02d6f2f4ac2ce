"""Muon against an independent transcription in float64, and what its steps keep."""

import pytest
import torch
from torch import nn

from snnx.optimizer.muon import Muon, orthogonal


def test_singular_values_become_about_one():
    torch.manual_seed(0)
    for shape in ((8, 27), (27, 8), (16, 16)):
        matrix = torch.randn(shape) @ torch.randn(shape[1], shape[1])
        values = torch.linalg.svdvals(orthogonal(matrix, steps=8))
        assert values.min() > 0.3
        assert values.max() < 1.3
        ours = torch.linalg.svd(orthogonal(matrix, steps=8), full_matrices=False)
        theirs = torch.linalg.svd(matrix, full_matrices=False)
        both = (ours.U @ ours.Vh) * (theirs.U @ theirs.Vh)
        assert both.sum() > 0.95 * min(shape), "the singular vectors stay"


def test_three_steps_equal_the_formula():
    """In two steps: the convolution by the iteration in float64, the bias and the matrix by Nesterov's SGD."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(16, 5)).double()
    net[0].weight.data = net[0].weight.data.float().double()
    x, y = torch.randn(6, 3, 4, 4).double(), torch.randint(5, (6,))
    start = [p.detach().clone() for p in net.parameters()]
    rates = {"lr": 0.12, "momentum": 0.6, "lr_other": 0.05, "momentum_other": 0.9, "weight_decay": 0.01}
    optimizer = Muon([{"params": list(net.parameters())}], **rates)
    expected, buffers = start, [torch.zeros_like(p) for p in start]
    for _ in range(2):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        gradients = [p.grad.clone() for p in net.parameters()]
        made = []
        for p, b, g in zip(expected, buffers, gradients, strict=True):
            if p.ndim == 4:
                b.copy_(0.6 * b + g)
                u = (g + 0.6 * b).flatten(1)
                z = u / u.norm()
                for _ in range(3):
                    a = z @ z.T
                    z = 3.4445 * z + (-4.7750 * a + 2.0315 * a @ a) @ z
                made.append(p * 2 / p.norm() - 0.12 * z.view_as(p))  # 2 = sqrt of 4 channels
            else:
                g = g + 0.01 * p
                b.copy_(0.9 * b + g)
                made.append(p - 0.05 * (g + 0.9 * b))
        expected = made
        optimizer.step()
        for p, q in zip(net.parameters(), expected, strict=True):
            tolerance = 0.12 * 0.03 if p.ndim == 4 else 1e-12  # the iteration computes in bfloat16
            assert (p - q).abs().max() < tolerance
        expected = [p.detach().clone() for p in net.parameters()]


def test_a_schedule_changes_both_rates_alike():
    p, q = nn.Parameter(torch.ones(2, 1, 1, 2)), nn.Parameter(torch.ones(3))
    steps = []
    for factor in (1.0, 0.5):
        optimizer = Muon([p, q], lr=0.12, lr_other=0.05, momentum_other=0.0, weight_decay=0.0)
        optimizer.param_groups[0]["lr"] *= factor
        p.grad, q.grad, before = torch.ones_like(p), torch.ones_like(q), q.detach().clone()
        optimizer.step()
        steps.append(float((before - q.detach())[0]))
    assert steps == pytest.approx([0.05, 0.025])


def test_the_state_is_restored():
    torch.manual_seed(0)
    found = []
    for resumed in (False, True):
        torch.manual_seed(0)
        p = nn.Parameter(torch.randn(4, 2, 3, 3))
        optimizer = Muon([p])
        for number in range(4):
            if resumed and number == 2:
                state = optimizer.state_dict()
                optimizer = Muon([p])
                optimizer.load_state_dict(state)
            p.grad = torch.randn(4, 2, 3, 3)
            optimizer.step()
        found.append(p.detach().clone())
    assert torch.equal(*found)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lr": 0.0}, "Muon: lr must be positive; got 0.0"),
        ({"momentum": 1.0}, r"Muon: momentum must be in \[0, 1\); got 1.0"),
        ({"weight_decay": -1.0}, "Muon: weight_decay must be at least 0; got -1.0"),
    ],
)
def test_bad_values(wrong, message):
    with pytest.raises(ValueError, match=message):
        Muon([nn.Parameter(torch.ones(2))], **wrong)

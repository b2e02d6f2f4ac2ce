"""The losses of TET and STBP equal the published equations, written here in a few lines of float64, in values and gradients."""

import pytest
import torch
from composing import composed
from torch import Tensor

from snnx.loss.tet import TET
from snnx.run.build import build_method

T, B, K = 4, 5, 10


def tet(outputs: Tensor, labels: Tensor, share: float, means: float) -> Tensor:
    """Deng et al., 2022: the cross entropy of each step, and the distance of all scores to `means`."""
    cross_entropy = 0.0
    for y in outputs:
        for scores, label in zip(y, labels, strict=True):
            cross_entropy = cross_entropy + (scores.exp().sum().log() - scores[label]) / (T * B)
    return (1 - share) * cross_entropy + share * ((outputs - means) ** 2).sum() / outputs.numel()


def stbp(outputs: Tensor, labels: Tensor) -> Tensor:
    """Wu et al., 2018, and its code: the last layer fires, o / T is compared with the one-hot label.

    `u = 0.2*u*(1 - o) + x`, `o = 1[u > 0.5]`, and in backward 1 where |u - 0.5| < 0.5.
    """
    u = o = total = torch.zeros_like(outputs[0])
    for x in outputs:
        u = 0.2 * u * (1 - o) + x
        window = ((u - 0.5).abs() < 0.5).double().detach()
        o = (u > 0.5).double().detach() + window * (u - u.detach())
        total = total + o
    return ((total / T - torch.eye(K, dtype=torch.float64)[labels]) ** 2).mean()


def outputs_and_labels() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(T, B, K, dtype=torch.float64), torch.tensor([3, 0, 9, 3, 5])


@pytest.mark.parametrize(("share", "means"), [(0.0, 1.0), (0.001, 1.0), (0.05, 0.5), (1.0, 1.0)])
def test_tet_equals_the_equation(share, means):
    values, labels = outputs_and_labels()
    ours, theirs = values.clone().requires_grad_(), values.clone().requires_grad_()
    found, expected = TET(lambda_mse=share, means=means)(ours, labels), tet(theirs, labels, share, means)
    assert found.item() == pytest.approx(expected.item(), abs=1e-12)
    found.backward(), expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-10)


def test_rate_mse_of_a_firing_last_layer_equals_stbp():
    words = ["loss=rate_mse", "decoding=spike_count", "decoding.rate=true", "surrogate=rectangle", "neuron=lif",
             "neuron.tau=1.25", "neuron.decay_input=false", "neuron.v_threshold=0.5"]  # fmt: skip
    method = build_method(composed(*words).config, type("Facts", (), {"shape": (1, 8, 8), "classes": K}))
    values, labels = outputs_and_labels()
    ours, theirs = values.clone().requires_grad_(), values.clone().requires_grad_()
    found, expected = method.loss(method.decoding(ours), labels), stbp(theirs, labels)
    assert found.item() == pytest.approx(expected.item(), abs=1e-12)
    found.backward(), expected.backward()
    assert theirs.grad.abs().sum() > 0
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-10)


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_outside_of_its_range(share):
    with pytest.raises(ValueError, match=rf"^TET: lambda_mse must be in \[0, 1\]; got {share}"):
        TET(lambda_mse=share)

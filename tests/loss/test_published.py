"""The losses of TET, STBP and TSSL-BP equal the published equations, written here in a few lines of float64.

Values and gradients are compared.
"""

import pytest
import torch
from composing import composed, configuration
from torch import Tensor

from snnx.decoding.psc_sum import PSCSum
from snnx.loss.psc_kernel import PSCKernel
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


def tssl_bp(outputs: Tensor, labels: Tensor, pattern: list[int], tau_s: float) -> Tensor:
    """Zhang and Li, 2020: half of the squared distance of the currents, with the kernel (1 - 1/tau_s)^j / tau_s written out."""
    wanted = torch.zeros_like(outputs)
    for t in range(T):
        wanted[t, torch.arange(B), labels] = pattern[t]
    total = 0.0
    for t in range(T):
        current = sum((1 - 1 / tau_s) ** (t - j) / tau_s * (outputs[j] - wanted[j]) for j in range(t + 1))
        total = total + (current**2).sum() / 2
    return total


@pytest.mark.parametrize(("target", "tau_s"), [((0, 1, 1, 1, 1), 3), ((0, 1), 1.5), ((1,), 1)])
def test_psc_kernel_equals_the_equation(target, tau_s):
    """The authors' loss is the sum over the samples."""
    values, labels = outputs_and_labels()
    ours, theirs = values.clone().requires_grad_(), values.clone().requires_grad_()
    found = B * PSCKernel(target=target, tau_s=tau_s)(ours, labels)
    expected = tssl_bp(theirs, labels, [*target, *target, *target, *target][:T], tau_s)
    assert found.item() == pytest.approx(expected.item(), abs=1e-12)
    found.backward(), expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-10)


@pytest.mark.parametrize("tau_s", [1.0, 1.5, 3.0])
def test_psc_sum_is_the_sum_of_the_currents(tau_s):
    values, _ = outputs_and_labels()
    a, total = torch.zeros_like(values[0]), torch.zeros_like(values[0])
    for y in values:
        a = a + (y - a) / tau_s
        total = total + a
    torch.testing.assert_close(PSCSum(tau_s=tau_s)(values), total, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PSCKernel(target=[]), r"^PSCKernel: target must be a list of spikes, 0 or 1; got \[\]$"),
        (lambda: PSCKernel(target=[0, 2]), r"^PSCKernel: target must be a list of spikes, 0 or 1; got \[0, 2\]$"),
        (lambda: PSCKernel(tau_s=0.5), "^PSCKernel: tau_s must be at least 1 .*; got 0.5$"),
        (lambda: PSCSum(tau_s=0.5), "^PSCSum: tau_s must be at least 1 .*; got 0.5$"),
    ],
)
def test_bad_values_of_the_currents(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_outside_of_its_range(share):
    with pytest.raises(ValueError, match=rf"^TET: lambda_mse must be in \[0, 1\]; got {share}"):
        TET(lambda_mse=share)


def test_the_currents_of_loss_and_decoding_follow_the_neurons():
    """Unless these have no such constant, or loss and decoding are given their own."""

    def constants(*words):
        config = configuration("loss=psc_kernel", "decoding=psc_sum", *words)
        return config["loss"]["tau_s"], config["decoding"]["tau_s"]

    assert constants("neuron=tssl", "neuron.tau_s=2") == (2, 2)
    assert constants("neuron=tssl") == constants("neuron=lif") == (3, 3)
    assert constants("neuron=tssl", "neuron.tau_s=2", "decoding.tau_s=4") == (2, 4)

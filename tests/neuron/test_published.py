"""The neurons of published systems equal the equations of their authors' code, written here in a few lines of float64.

LIFLearned, STDB, LIFCapped and TSSL have no counterpart in SpikingJelly; STBP, tdBN, TET and NDA are options of LIF. CLIF and
GLIF are also compared with SpikingJelly's nodes.
"""

import pytest
import torch
from composing import configuration, option
from spikingjelly.activation_based import neuron as sj
from spikingjelly.activation_based.surrogate import Rect
from torch import Tensor, nn

from snnx.neuron.clif import CLIF
from snnx.neuron.glif import GLIF
from snnx.neuron.ilif import ILIF
from snnx.neuron.lif_capped import LIFCapped
from snnx.neuron.lif_learned import LIFLearned
from snnx.neuron.psn import PSN
from snnx.neuron.stdb import STDB
from snnx.neuron.tssl import TSSL
from snnx.norm.bntt import BNTT
from snnx.run.build import build_method
from snnx.run.component import component
from snnx.surrogate.damped_triangle import DampedTriangle

T, N = 12, 400


def step(x: Tensor, slope: Tensor) -> Tensor:
    """1 where x > 0, with this slope in backward."""
    return (x > 0).double() + slope.detach() * (x - x.detach())


def rectangle(x: Tensor) -> Tensor:
    return (x.abs() < 0.5).double()


def triangle(x: Tensor) -> Tensor:
    return (1 - x.abs()).clamp(min=0)


def hard(x: Tensor, retained: float, threshold: float, slope) -> Tensor:
    """STBP, tdBN, TET and NDA: u = retained*u*(1 - o) + x, o = 1[u > threshold], with a gradient through the reset."""
    u = o = torch.zeros_like(x[0])
    spikes = []
    for current in x:
        u = retained * u * (1 - o) + current
        o = step(u - threshold, slope(u - threshold))
        spikes.append(o)
    return torch.stack(spikes)


LIKE_LIF = {
    "stbp": (["neuron.tau=1.25", "neuron.v_threshold=0.5", "surrogate=rectangle"], 0.2, 0.5, rectangle),
    "tdbn": (["neuron.tau=1.3333333333333333", "neuron.v_threshold=0.2", "surrogate=rectangle"], 0.25, 0.2, rectangle),
    "tet": (["neuron.tau=2", "surrogate=triangle"], 0.5, 1.0, triangle),
    "nda": (["neuron.tau=1.3333333333333333", "neuron.v_threshold=0.5", "surrogate=rectangle"], 0.25, 0.5, rectangle),
}


def compared(node: nn.Module, equation, parameters: tuple[str, ...] = ()) -> None:
    """Both get the same currents and weights; spikes must be equal and gradients differ by at most 1e-10."""
    torch.manual_seed(0)
    x, weight = torch.randn(2, T, N, dtype=torch.float64)
    ours, theirs = (1.2 * x).requires_grad_(), (1.2 * x).detach().clone().requires_grad_()
    node = node.double()
    leaves = [getattr(node, name).detach().clone().requires_grad_() for name in parameters]
    found, expected = node(ours), equation(theirs, *leaves)
    assert torch.equal(found, expected)
    assert 0.05 < (found > 0).double().mean() < 0.95
    (found * weight).sum().backward()
    (expected * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-10)
    for name, leaf in zip(parameters, leaves, strict=True):
        torch.testing.assert_close(getattr(node, name).grad, leaf.grad, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", LIKE_LIF)
def test_the_neurons_of_these_systems_are_options_of_lif(name):
    words, retained, threshold, slope = LIKE_LIF[name]
    config = configuration("neuron=lif", "neuron.decay_input=false", *words)
    compared(component(config, "neuron")(), lambda x: hard(x, retained, threshold, slope))


def test_lif_learned_equals_diet_snn():
    def diet(x: Tensor, leak: Tensor, level: Tensor) -> Tensor:
        u = torch.zeros_like(x[0])
        spikes = []
        for current in x:
            u = leak * u + current
            z = u / level - 1
            spikes.append(step(z, 0.3 * triangle(z)))
            u = u - level * (z > 0).double()
        return torch.stack(spikes)

    compared(LIFLearned(leak=0.9, v_threshold=0.7, surrogate=DampedTriangle()), diet, ("leak", "level"))


@pytest.mark.parametrize("detach", [False, True])
def test_lif_capped_equals_ta_snn(detach):
    def ta_snn(x: Tensor) -> Tensor:
        left = torch.zeros_like(x[0])
        spikes = []
        for current in x:
            u = left + current
            s = step(u - 0.4, 2 * ((u - 0.4).abs() < 0.25).double())
            spikes.append(s)
            gate = s.detach() if detach else s
            left = 0.3 * (gate * 0.4 + (1 - gate) * u)
        return torch.stack(spikes)

    slope = option("surrogate", "rectangle", "surrogate.alpha=2")
    compared(LIFCapped(v_threshold=0.4, surrogate=slope, detach_reset=detach), ta_snn)


def bntt_step(u: Tensor, current: Tensor) -> tuple[Tensor, Tensor]:
    """BNTT's neuron: u = 0.95*u + x, o = 1[u > 1], and what is subtracted at a spike is a constant in backward."""
    u = 0.95 * u + current
    z = u / 1.0 - 1
    return u - (z > 0).double(), step(z, 0.3 * triangle(z))


def test_the_neuron_of_the_recipe_of_bntt_equals_its_code():
    def bntt(x: Tensor) -> Tensor:
        u, spikes = torch.zeros_like(x[0]), []
        for current in x:
            u, s = bntt_step(u, current)
            spikes.append(s)
        return torch.stack(spikes)

    compared(component(configuration("recipe=bntt_cifar10"), "neuron")(), bntt)


def test_a_network_of_the_recipe_of_bntt_trains_as_its_code():
    """Signed spikes of random pixels, convolution, pooling and a hidden layer with norms of each step, up to every gradient."""
    words = ["recipe=bntt_cifar10", "timesteps=5", "backbone.layers=[4,A,6,A]", "backbone.hidden=[20]"]
    method = build_method(configuration(*words), type("Facts", (), {"shape": (3, 8, 8), "classes": 10})).double()
    torch.manual_seed(0)
    images, labels = torch.randn(7, 3, 8, 8, dtype=torch.float64), torch.arange(7)
    layers = [module for module in method.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    largest = [layer.weight.abs().max().item() for layer in layers]  # Xavier's uniform draw with a gain of 2
    fans = [9 * (3 + 4), 9 * (4 + 6), 24 + 20, 20 + 10]
    assert all(0.9 < found / (2 * (6 / fan) ** 0.5) <= 1 for found, fan in zip(largest, fans, strict=True))
    norms = [module for module in method.modules() if isinstance(module, BNTT)]
    gains = [one.weight for norm in norms for one in norm.steps]
    for gain in gains:
        gain.data += torch.randn_like(gain) / 4
    ours = [*(layer.weight for layer in layers), *gains]
    assert sum(p.numel() for p in method.parameters()) == sum(p.numel() for p in ours)
    theirs = [weight.detach().clone().requires_grad_() for weight in ours]
    (conv1, conv2, fc, out), gains = theirs[:4], theirs[4:]

    def norm(x: Tensor, gain: Tensor) -> Tensor:
        over = (0, *range(2, x.ndim))
        x = (x - x.mean(over, keepdim=True)) / (x.var(over, correction=0, keepdim=True) + 1e-4).sqrt()
        return x * gain.view(1, -1, *[1] * (x.ndim - 2))

    torch.manual_seed(1)
    u1 = u2 = u3 = total = 0.0
    fired = []
    for t in range(5):
        s = images.sign() * (2 * torch.rand(images.shape) <= images.abs())
        u1, s = bntt_step(u1, norm(nn.functional.conv2d(s, conv1, padding=1), gains[t]))
        fired.append(s.mean().item())
        s = nn.functional.avg_pool2d(s, 2)
        u2, s = bntt_step(u2, norm(nn.functional.conv2d(s, conv2, padding=1), gains[5 + t]))
        s = nn.functional.avg_pool2d(s, 2).flatten(1)
        u3, s = bntt_step(u3, norm(s @ fc.T, gains[10 + t]))
        fired.append(s.mean().item())
        total = total + s @ out.T
    torch.manual_seed(1)
    scores, loss = method.scores_and_loss(images, labels)
    assert 0.05 < min(fired) < max(fired) < 0.6
    torch.testing.assert_close(scores, total / 5, rtol=0, atol=1e-12)
    loss.backward()
    nn.functional.cross_entropy(total / 5, labels).backward()
    for weight, leaf in zip(ours, theirs, strict=True):
        assert leaf.grad.any()
        torch.testing.assert_close(weight.grad, leaf.grad, rtol=0, atol=1e-10)


class TSSLBP(torch.autograd.Function):
    """The authors' layer: currents to post-synaptic currents, with one loop from the last step to the first in backward."""

    @staticmethod
    def forward(ctx, x: Tensor, tau_m: float, tau_s: float, threshold: float) -> Tensor:
        u = a = torch.zeros_like(x[0])
        rises, potentials, spikes, currents = [], [], [], []
        for current in x:
            rise = -u / tau_m + current
            u = u + rise
            s = (u > threshold).double()
            a = a + (s - a) / tau_s
            for values, value in zip((rises, potentials, spikes, currents), (rise, u, s, a), strict=True):
                values.append(value)
            u = u * (1 - s)
        ctx.seen, ctx.numbers = (rises, potentials, spikes, currents), (tau_m, tau_s, threshold)
        return torch.stack(currents)

    @staticmethod
    def backward(ctx, g: Tensor):
        (rises, potentials, spikes, currents), (tau_m, tau_s, threshold) = ctx.seen, ctx.numbers
        steps, keeps = len(g), 1 - 1 / tau_m
        kernel = [(1 - 1 / tau_s) ** j / tau_s for j in range(steps)]
        later, grad = torch.zeros_like(g[0]), torch.zeros_like(g)
        for t in reversed(range(steps)):
            rise, u, s, a = rises[t], potentials[t], spikes[t], currents[t]
            p = torch.clamp(-1 / rise, -8, 0) * s
            moved = sum(p * (-kernel[j] / tau_s) * g[t + j] * tau_s for j in range(steps - t))
            if t < steps - 1:
                moved = moved - later * u * p / tau_m + later * keeps * (1 - s)
            later = moved * s + later * (1 - s) * keeps
            f = torch.exp(torch.clamp((threshold - u) / 0.2, -8, 8))
            silent = sum(kernel[j] * g[t + j] for j in range(steps - t)) * f / ((1 + f) ** 2 * 0.2)
            grad[t] = torch.where(a < 1 / (4 * tau_s), silent, moved)
        return grad, None, None, None


def psp(x: Tensor, tau_s: float) -> Tensor:
    """The authors' filter of input and target."""
    total, filtered = torch.zeros_like(x[0]), []
    for now in x:
        total = total - total / tau_s + now
        filtered.append(total / tau_s)
    return torch.stack(filtered)


@pytest.mark.parametrize(("tau_m", "tau_s", "threshold", "scale"), [(5, 3, 1.0, 1.5), (2.5, 1.5, 0.6, 1.0), (5, 3, 1.0, 4.0)])
def test_tssl_equals_tssl_bp(tau_m, tau_s, threshold, scale):
    """The authors' layer passes on filtered spikes, ours filters what arrives. So `psp` comes after ours, and before theirs."""
    torch.manual_seed(0)
    x, weight = torch.randn(2, T, N, dtype=torch.float64)
    ours, theirs = (scale * x).requires_grad_(), (scale * x).clone().requires_grad_()
    spikes = TSSL(tau=tau_m, tau_s=tau_s, v_threshold=threshold).double()(ours)
    found, expected = psp(spikes, tau_s), TSSLBP.apply(psp(theirs, tau_s), tau_m, tau_s, threshold)
    assert 0.02 < spikes.mean() < 0.95
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    (found * weight).sum().backward()
    (expected * weight).sum().backward()
    assert ours.grad.abs().max() > 0.1
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-10)


@pytest.mark.parametrize("pooling", ["A", "P"])
def test_a_network_of_tssl_neurons_trains_as_the_code_of_tssl_bp(pooling):
    """Convolution, pooling and two linear layers for five steps, up to the loss, the prediction and every gradient."""
    torch.manual_seed(0)
    words = ["neuron=tssl", "backbone=chain", "norm=none", "timesteps=5", "loss=psc_kernel", "decoding=psc_sum",
             f"backbone.layers=[4,{pooling}]", "backbone.hidden=[20]", "backbone.bias=false", "backbone.votes=1"]  # fmt: skip
    method = build_method(configuration(*words), type("Facts", (), {"shape": (1, 8, 8), "classes": 10})).double()
    images, labels = 3 * torch.randn(6, 1, 8, 8, dtype=torch.float64), torch.tensor([3, 0, 9, 3, 5, 7])
    net = method.backbone
    weights = [net.features.conv1[0].weight, net.classifier.fc1.weight, net.classifier.out.weight]
    assert sum(w.numel() for w in weights) == sum(p.numel() for p in net.parameters())
    for weight, factor in zip(weights, (1, 8, 4), strict=True):
        weight.data *= factor
    conv, fc, out = (weight.detach().clone().requires_grad_() for weight in weights)
    a = psp(images.expand(5, *images.shape), 3)
    a = TSSLBP.apply(nn.functional.conv2d(a.flatten(0, 1), conv, padding=1).unflatten(0, (5, 6)), 5, 3, 1.0)
    a = nn.functional.avg_pool2d(a.flatten(0, 1), 2).unflatten(0, (5, 6))
    a = (TSSLBP.apply(4 * 1.1 * a, 5, 3, 0.5) if pooling == "P" else a).flatten(2)
    hidden = TSSLBP.apply(a @ fc.T, 5, 3, 1.0)
    last = TSSLBP.apply(hidden @ out.T, 5, 3, 1.0)
    wanted = torch.zeros(5, 6, 10, dtype=torch.float64)
    wanted[1:, torch.arange(6), labels] = 1
    expected = ((last - psp(wanted, 3)) ** 2).sum() / 2
    scores, loss = method.scores_and_loss(images, labels)
    assert (hidden > 0).double().mean() > 0.1
    assert (last > 0).any()
    torch.testing.assert_close(scores, last.sum(0), rtol=0, atol=1e-12)
    assert 6 * loss.item() == pytest.approx(expected.item(), rel=1e-12)  # theirs is the sum over the samples
    (6 * loss).backward()
    expected.backward()
    for weight, leaf in zip(weights, (conv, fc, out), strict=True):
        assert leaf.grad.any()
        torch.testing.assert_close(weight.grad, leaf.grad, rtol=0, atol=1e-10)


def test_the_gradient_of_tssl_is_that_of_the_whole_sequence_if_it_comes_in_two_parts():
    x = torch.randn(T, N, dtype=torch.float64)
    gradients = []
    for cut in (T, T // 2):
        node, given = TSSL().double(), (2 * x).requires_grad_()
        (torch.cat([node(part) for part in given.split([cut, T - cut]) if len(part)]) * x.cos()).sum().backward()
        gradients.append(given.grad)
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-12)


@pytest.mark.parametrize("by_time", [True, False])
def test_stdb_equals_hybrid_training(by_time):
    def hybrid(x: Tensor) -> Tensor:
        u, last = torch.zeros_like(x[0]), torch.full_like(x[0], -1000.0)
        spikes = []
        for t, current in enumerate(x):
            z = u / 0.7 - 1
            s = step(z, 0.3 * torch.exp(-0.01 * (t - 1 - last)) if by_time else 0.3 * triangle(z))
            last = torch.where(s > 0, float(t - 1), last)
            u = 0.95 * u + current - 0.7 * (z > 0).double()
            spikes.append(s)
        return torch.stack(spikes)

    compared(STDB(leak=0.95, v_threshold=0.7, by_time=by_time, surrogate=DampedTriangle()), hybrid)


def test_a_leak_above_one_is_set_back_before_the_next_batch():
    node = LIFLearned(leak=1.0)
    node.leak.data += 0.5
    node.reset()
    node(torch.ones(3, 1))
    assert node.leak.item() == 1.0


def test_a_threshold_that_is_set_later_is_the_present_one():
    """The attention of a spiking transformer sets that of the neuron after its product."""
    node = LIFLearned(v_threshold=1.0)
    node.v_threshold = 0.5
    assert (node.level.item(), node.v_threshold) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LIFLearned(leak=0), r"^LIFLearned: leak must be in \(0, 1\]; got 0"),
        (lambda: LIFLearned(leak=1.5), r"^LIFLearned: leak must be in \(0, 1\]; got 1.5"),
        (lambda: LIFLearned(v_threshold=0), "^LIFLearned: v_threshold must be positive and finite; got 0"),
        (lambda: STDB(leak=2), r"^STDB: leak must be in \(0, 1\]; got 2"),
        (lambda: STDB(alpha=0), "^STDB: alpha must be positive; got 0"),
        (lambda: STDB(beta=-1), "^STDB: beta must be at least 0; got -1"),
        (lambda: TSSL(tau=1), "^TSSL: tau must be greater than 1 .* got 1"),
        (lambda: TSSL(tau_s=0.5), "^TSSL: tau_s must be at least 1 .in time steps. and finite; got 0.5"),
        (lambda: TSSL(v_threshold=0), "^TSSL: v_threshold must be positive and finite; got 0"),
        (lambda: LIFCapped(tau=1), "^LIFCapped: tau must be greater than 1 .* got 1"),
    ],
)
def test_bad_values(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_clif_equals_its_equation_and_spikingjelly():
    def clif(x: Tensor) -> Tensor:
        u = m = torch.zeros_like(x[0])
        spikes = []
        for current in x:
            u = 0.75 * u + current
            s = step(u - 0.8, rectangle(u - 0.8))
            m = m * torch.sigmoid(u / 4) + s
            u = u - s * (0.8 + torch.sigmoid(m))
            spikes.append(s)
        return torch.stack(spikes)

    slope = option("surrogate", "rectangle")
    compared(CLIF(tau=4, v_threshold=0.8, surrogate=slope), clif)
    theirs = sj.ComplementaryLIFNode(tau=4.0, v_threshold=0.8, surrogate_function=Rect(alpha=1.0), step_mode="m")
    compared(CLIF(tau=4, v_threshold=0.8, surrogate=slope), theirs)


def test_glif_equals_its_equation():
    names = ("alpha", "beta", "gamma", "tau", "level", "linear_decay", "v_subreset", "conduct")

    def glif(x: Tensor, *parameters: Tensor) -> Tensor:
        alpha, beta, gamma, tau, level, linear, subtracted, conduct = (p.sigmoid() for p in parameters)
        keep, v, s, spikes = 1 - alpha * (1 - tau), torch.zeros_like(x[0]), torch.zeros_like(x[0]), []
        for t, current in enumerate(x):
            read = current * (1 - beta * (1 - conduct[t]))
            v = keep * v - (1 - alpha) * linear + read - keep * v * gamma * s - (1 - gamma) * subtracted * s
            s = step(v - level, triangle(v - level))
            spikes.append(s)
        return torch.stack(spikes)

    torch.manual_seed(0)
    node = GLIF(timesteps=T, surrogate=option("surrogate", "triangle")).double()
    for name in names:
        getattr(node, name).data += torch.randn_like(getattr(node, name)) / 2
    compared(node, glif, names)


def test_a_threshold_of_glif_that_is_set_later_starts_what_depends_on_it():
    """The three constants that start from the threshold, as in the constructor."""
    built, changed = GLIF(timesteps=4, v_threshold=0.3), GLIF(timesteps=4)
    changed.v_threshold = 0.3
    for name in ("level", "v_subreset", "linear_decay"):
        assert torch.equal(getattr(built, name), getattr(changed, name)), name
    with pytest.raises(ValueError, match=r"^GLIF: v_threshold must be between 0 and 1; got 1.5$"):
        changed.v_threshold = 1.5


def test_glif_starts_and_computes_as_in_spikingjelly():
    ours, theirs = GLIF(timesteps=T), sj.GatedLIFNode(T=T)
    ours.surrogate_function = theirs.surrogate_function
    for name, parameter in theirs.named_parameters():
        mine = ours.level if name == "v_threshold" else getattr(ours, name)
        if name not in ("alpha", "beta", "gamma"):
            torch.testing.assert_close(mine, parameter)
        mine.data.copy_(parameter.data)
    x = torch.randn(T, 3, 4, 5, 5)
    assert 0 < ours(x).mean() < 1
    ours.reset()
    torch.testing.assert_close(ours(x), theirs(x))


def test_ilif_equals_its_equation():
    def ilif(x: Tensor) -> Tensor:
        u = torch.zeros_like(x[0])
        spikes = []
        for current in x:
            u = 0.25 * u + current
            z = u / 0.5
            s = z.clamp(0, 4).round().detach() + (z - z.detach()) * ((z >= 0) & (z <= 4))
            u = u - 0.5 * s
            spikes.append(s)
        return torch.stack(spikes)

    compared(ILIF(v_threshold=0.5), ilif)
    assert ILIF()(9 * torch.rand(T, N)).unique().tolist() == [0, 1, 2, 3, 4]


def test_psn_equals_its_equation():
    def psn(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        h = torch.einsum("ts,sn->tn", weight, x) + bias
        return step(h, triangle(h))

    torch.manual_seed(0)
    compared(PSN(timesteps=T, surrogate=option("surrogate", "triangle")), psn, ("weight", "bias"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CLIF(tau=1), "CLIF: tau must be greater than 1 .* got 1"),
        (lambda: GLIF(timesteps=0), "GLIF: timesteps must be at least 1; got 0"),
        (lambda: GLIF(timesteps=2, tau=1), "GLIF: tau must be between 0 and 1; got 1"),
        (lambda: GLIF(timesteps=2, v_threshold=1.5), "GLIF: v_threshold must be between 0 and 1; got 1.5"),
        (lambda: GLIF(timesteps=2, conduct=0), "GLIF: conduct must be between 0 and 1; got 0"),
        (lambda: GLIF(timesteps=2)(torch.ones(3, 1)), "GLIF: input must have at most timesteps = 2 steps; got 3"),
        (lambda: ILIF(tau=1), "ILIF: tau must be greater than 1 .* got 1"),
        (lambda: ILIF(levels=0), "ILIF: levels must be at least 1; got 0"),
        (lambda: ILIF(v_threshold=0), "ILIF: v_threshold must be positive and finite; got 0"),
        (lambda: PSN(timesteps=0), "PSN: timesteps must be at least 1; got 0"),
        (lambda: PSN(timesteps=2)(torch.ones(3, 1)), "PSN: input must have timesteps = 2 steps; got 3"),
    ],
)
def test_arguments_out_of_range_are_rejected(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_an_attention_sets_the_threshold_of_glif():
    node = GLIF(timesteps=2)
    node.v_threshold = 0.25
    assert node.level.sigmoid().item() == pytest.approx(0.25)

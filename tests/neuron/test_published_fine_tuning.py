"""Whole networks of Diet-SNN and of Hybrid training equal a few lines of float64: thresholds, dropout, scores and gradients.

The lines run one time step after another, as the authors' code does, and get the weights, dropout masks and input of ours.
"""

from collections.abc import Callable, Iterator

import pytest
import torch
from composing import configuration
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, cross_entropy

from snnx.conversion.current_thresholds import set_thresholds
from snnx.neuron.lif_learned import LIFLearned
from snnx.neuron.spiking import spiking_layers
from snnx.run.build import build_method

Fire = Callable[[Tensor], Tensor]


def step(z: Tensor, slope: Tensor) -> Tensor:
    """1 where z > 0, with this slope in backward."""
    return (z > 0).double() + slope.detach() * (z - z.detach())


def diet(u: Tensor, current: Tensor, leak: Tensor, level: Tensor, t: int, last: Tensor):
    """Diet-SNN: the potential with the current of this step fires, and the spike is a constant in the reset."""
    u = leak * u + current
    z = u / level - 1
    return step(z, 0.3 * (1 - z.abs()).clamp(min=0)), u - level * (z > 0).double(), last


def stdb(u: Tensor, current: Tensor, leak: Tensor, level: Tensor, t: int, last: Tensor):
    """Hybrid training: the potential without it fires, with a slope that decays with the steps since the last spike."""
    z = u / level - 1
    s = step(z, 0.3 * torch.exp(-0.01 * (t - 1 - last)))
    return s, leak * u + current - level * (z > 0).double(), torch.where(z > 0, float(t - 1), last)


def resnet(h: Tensor, w: Iterator[Tensor], fire: Fire, mask: Iterator[Tensor]) -> Tensor:
    """A stem of three convolutions, and two stages of one block."""
    h = fire(conv2d(h, next(w), padding=1)) * next(mask)
    h = fire(conv2d(h, next(w), padding=1)) * next(mask)
    h = avg_pool2d(fire(conv2d(h, next(w), padding=1)), 2)
    h = fire(conv2d(fire(conv2d(h, next(w), padding=1)) * next(mask), next(w), padding=1) + h)
    inside = conv2d(fire(conv2d(h, next(w), padding=1, stride=2)) * next(mask), next(w), padding=1)
    h = fire(inside + conv2d(h, next(w), stride=2))
    return h.flatten(1) @ next(w).T


def vgg(h: Tensor, w: Iterator[Tensor], fire: Fire, mask: Iterator[Tensor]) -> Tensor:
    """A small network of the form of `vgg16_diet`: two convolutions, average pooling, and two linear layers."""
    h = fire(conv2d(h, next(w), padding=1)) * next(mask)
    h = avg_pool2d(fire(conv2d(h, next(w), padding=1)), 2)
    h = fire(h.flatten(1) @ next(w).T) * next(mask)
    return h @ next(w).T


def simulated(x: Tensor, net: Callable, rule: Callable, weights, leaks, levels, masks) -> tuple[Tensor, list[list[Tensor]]]:
    """The last layer's outputs, added up over all steps, and the currents of each step and layer."""
    potentials, last, total, currents = {}, {}, 0.0, []
    for t, now in enumerate(x):
        currents.append([])

        def fire(current: Tensor, t=t) -> Tensor:
            k = len(currents[t])
            currents[t].append(current)
            u, before = potentials.get(k, torch.zeros_like(current)), last.get(k, torch.full_like(current, -1000.0))
            s, potentials[k], last[k] = rule(u, current, leaks[k], levels[k], t, before)
            return s

        total = total + net(now, iter(weights), fire, iter(masks))
    return total, currents


VGG = ("backbone.layers=[16,D,24,A]", "backbone.hidden=[40,D]")
SYSTEMS = {
    "diet resnet": (("recipe=dietsnn_cifar10", "backbone.blocks=[1,1]", "budget.width=0.25"), resnet, diet, 99.7, 0.2, 7),
    "diet vgg": (("recipe=dietsnn_cifar10", "backbone=vgg16_diet", *VGG), vgg, diet, 99.7, 0.2, 3),
    "hybrid": (("recipe=hybrid_cifar10", "timesteps=12", *VGG), vgg, stdb, 100, 0.7, 3),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_whole_network_is_fine_tuned_as_in_the_authors_code(name):
    words, net, rule, percentile, scaling, count = SYSTEMS[name]
    torch.manual_seed(0)
    method = build_method(configuration(*words), type("Facts", (), {"shape": (3, 8, 8), "classes": 10})).double()
    images, labels = torch.randn(6, 3, 8, 8, dtype=torch.float64), torch.tensor([3, 0, 9, 3, 5, 7])
    images = images.clamp(-1, 1)
    layers = spiking_layers(method.backbone)
    assert len(layers) == count
    weights = [m.weight for m in method.backbone.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    learned = 2 * count if rule is diet else 0  # a leak and a threshold of each layer
    assert len(list(method.parameters())) == len(weights) + learned

    # Thresholds: layer after layer, the largest percentile of a step, while the layers before it fire at theirs.
    x = method.eval().encoding(images)
    expected: list[Tensor] = []
    for k in range(count):
        levels = [*expected, *[torch.tensor(1e30, dtype=torch.float64)] * (count - k)]  # at 1e30, a layer never fires
        _, currents = simulated(x, net, rule, weights, [1.0] * count, levels, [1.0] * 4)
        steps = torch.stack([now[k].detach().flatten().float().sort().values for now in currents])
        expected.append(steps[:, round(percentile / 100 * (steps.shape[1] - 1))].max().double())
    found = set_thresholds(method.backbone, lambda: [x], percentile=method.percentile, scaling=method.scaling)
    assert list(found) == list(layers)
    assert list(found.values()) == pytest.approx([scaling * level.item() for level in expected], rel=1e-12)

    # Training: one mask for all steps of a batch, the sum of the last layer's outputs, and the gradients of all parameters.
    seen: list[Tensor] = []
    method.train().encoding.register_forward_hook(lambda module, given, made: seen.append(made))
    for layer in layers.values():
        if isinstance(layer, LIFLearned):
            layer.leak.data.fill_(0.9)
    outputs, scores = method.run(images)
    masks = [m.mask for m in method.backbone.modules() if type(m).__name__ == "Dropout"]
    assert all(0.02 < (mask == 0).double().mean() < 0.5 for mask in masks)
    pairs = [(layer.leak, layer.level) for layer in layers.values()] if rule is diet else []
    leaks, levels = (
        zip(*pairs, strict=True) if pairs else ((1.0,) * count, tuple(layer.v_threshold for layer in layers.values()))
    )
    copies = {id(p): p.detach().clone().requires_grad_() for p in method.parameters()}
    own = lambda values: [copies.get(id(value), value) for value in values]  # noqa: E731
    total, currents = simulated(seen[0], net, rule, own(weights), own(leaks), own(levels), masks)
    torch.testing.assert_close(outputs.sum(0), total, rtol=0, atol=1e-10)
    torch.testing.assert_close(scores.double(), total, rtol=1e-5, atol=1e-5)  # these are float32
    cross_entropy(outputs.sum(0), labels).backward()
    cross_entropy(total, labels).backward()
    for parameter in method.parameters():
        assert parameter.grad.abs().max() > 1e-9
        torch.testing.assert_close(parameter.grad, copies[id(parameter)].grad, rtol=0, atol=1e-10)
